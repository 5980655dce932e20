extends Node

# Shows a KoeMorph stream on the blend shapes of meshes (Godot 3.2 and later). It listens on one UDP port
# and takes both what `koemorph live --udp` sends (JSON) and what `--vmc` sends (OSC): see datagrams.gd.

const Datagrams := preload("datagrams.gd")
const ShapeNames := preload("shape_names.gd")

# A whole face has been shown; time is the sender's, in seconds.
signal face_shown(time)
signal stream_lost

# 39539 is where VMC senders look for a renderer.
export(int, 1, 65535) var port := 39539
# Loopback only, unless another machine sends.
export(String) var address := "127.0.0.1"
# The meshes; empty: every MeshInstance below the parent node.
export(Array, NodePath) var meshes := []
# Seconds without a frame after which the face goes to rest.
export(float) var patience := 0.5

var _socket := PacketPeerUDP.new()
var _datagrams := Datagrams.new()
# Shape name as sent -> array of [MeshInstance, property].
var _targets := {}
var _properties := []
var _silence := 0.0
var _receiving := false


func _ready() -> void:
	var error := _socket.listen(port, address)
	if error != OK:
		push_error("KoeMorph: port %d of %s cannot be opened (error %d); is another receiver using it?" % [port, address, error])
		set_process(false)
		return
	_bind()


func _process(delta: float) -> void:
	_silence += delta
	while _socket.get_available_packet_count() > 0:
		if _datagrams.read(_socket.get_packet()):
			_show(_datagrams.face)
			emit_signal("face_shown", _datagrams.time)
			_silence = 0.0
			_receiving = true
	if _receiving and _silence > patience:
		_receiving = false
		_rest()
		emit_signal("stream_lost")


func _exit_tree() -> void:
	_socket.close()


func _show(face: Dictionary) -> void:
	for name in face:
		if not _targets.has(name):
			_targets[name] = _find(name)
		for target in _targets[name]:
			if is_instance_valid(target[0]):
				target[0].set(target[1], face[name])


func _rest() -> void:
	for pair in _properties:
		if is_instance_valid(pair[0]):
			pair[0].set(pair[1], 0.0)


func _find(name: String) -> Array:
	var key := ShapeNames.key(name)
	var found := []
	for pair in _properties:
		if key in pair[2]:
			found.append(pair)
	return found


# Every blend shape of every mesh: [MeshInstance, property, keys it answers to].
func _bind() -> void:
	_properties = []
	_targets = {}
	for mesh in _instances():
		for property in mesh.get_property_list():
			if property.name.begins_with("blend_shapes/"):
				var shape: String = property.name.trim_prefix("blend_shapes/")
				_properties.append([mesh, property.name, ShapeNames.keys(shape)])
	if _properties.empty():
		push_warning("KoeMorph: no mesh with blend shapes was found; set Meshes.")


func _instances() -> Array:
	var found := []
	if meshes.empty():
		_collect(get_parent(), found)
	for path in meshes:
		found.append(get_node(path))
	return found


func _collect(node: Node, found: Array) -> void:
	if node is MeshInstance:
		found.append(node)
	for child in node.get_children():
		_collect(child, found)
