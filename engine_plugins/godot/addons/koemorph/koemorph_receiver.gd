extends Node

# Applies a KoeMorph stream to the blend shapes of meshes. UDP: JSON (`koemorph live --udp`) and OSC
# (`--vmc`) on one port. WebSocket: JSON (`koemorph live --websocket`), also in browsers.

## A frame was applied; time is that of the sender, in seconds.
signal frame_applied(time: float)
## No frame arrived for `timeout` seconds; the meshes got their own weights back.
signal stream_lost

const MessageParser := preload("message_parser.gd")
const ShapeNames := preload("shape_names.gd")
const RECONNECT_SECONDS := 1.0

## UDP port; 39539 is the default of VMC receivers.
@export_range(1, 65535) var port := 39539
## UDP address to bind: "127.0.0.1" receives from this machine only, "*" from the network.
@export var address := "127.0.0.1"
## URL of a KoeMorph WebSocket server, such as "ws://127.0.0.1:8765"; used instead of UDP if set.
@export var websocket_url := ""
## Meshes to animate; empty: all meshes below the parent node.
@export var meshes: Array[MeshInstance3D] = []
## Seconds without a frame after which the stream counts as lost.
@export var timeout := 0.5

var _udp := PacketPeerUDP.new()
var _websocket: WebSocketPeer = null
var _parser := MessageParser.new()
# Key -> array of [MeshInstance3D, blend shape index]; received name -> such an array.
var _shapes := {}
var _targets := {}
# [MeshInstance3D, blend shape index] -> weight before the first frame.
var _authored := {}
var _idle := 0.0
var _receiving := false
var _reconnect := 0.0


func _ready() -> void:
	find_shapes()
	if not websocket_url.is_empty():
		_connect_websocket()
		return
	var error := _udp.bind(port, address)
	if error != OK:
		push_error(
			(
				"KoeMorph: UDP port %d of %s cannot be opened: %s. Close the other receiver, or set Port."
				% [port, address, error_string(error)]
			)
		)
		set_process(false)


# Finds the blend shapes again; call it after changing `meshes` or their mesh resources.
func find_shapes() -> void:
	_restore_weights()
	var found := meshes if not meshes.is_empty() else ShapeNames.find_meshes(get_parent())
	_shapes = ShapeNames.find_shapes(found)
	_targets = {}
	_authored = {}
	if _shapes.is_empty():
		push_warning("KoeMorph: no blend shapes found below %s. Set Meshes." % get_parent().name)


func _process(delta: float) -> void:
	_idle += delta
	if _websocket != null:
		_poll_websocket(delta)
	while _udp.is_bound() and _udp.get_available_packet_count() > 0:
		if _parser.parse_datagram(_udp.get_packet()):
			_apply_frame()
	if _receiving and _idle > timeout:
		_receiving = false
		_restore_weights()
		stream_lost.emit()


func _exit_tree() -> void:
	_udp.close()
	if _websocket != null:
		_websocket.close()
	_restore_weights()


func _connect_websocket() -> void:
	_websocket = WebSocketPeer.new()
	_reconnect = 0.0
	if _websocket.connect_to_url(websocket_url) != OK:
		push_error(
			"KoeMorph: %s cannot be opened. Set Websocket Url to ws://ADDRESS:PORT." % websocket_url
		)
		_websocket = null


func _poll_websocket(delta: float) -> void:
	_websocket.poll()
	while _websocket.get_available_packet_count() > 0:
		if _parser.parse_json(_websocket.get_packet().get_string_from_utf8()):
			_apply_frame()
	if _websocket.get_ready_state() == WebSocketPeer.STATE_CLOSED:
		_reconnect += delta
		if _reconnect > RECONNECT_SECONDS:
			_connect_websocket()


func _apply_frame() -> void:
	for name: String in _parser.weights:
		if not _targets.has(name):
			_targets[name] = _shapes.get(ShapeNames.key(name), [])
		for target: Array in _targets[name]:
			if is_instance_valid(target[0]):
				if not _authored.has(target):
					_authored[target] = target[0].get_blend_shape_value(target[1])
				target[0].set_blend_shape_value(target[1], _parser.weights[name])
	_idle = 0.0
	_receiving = true
	frame_applied.emit(_parser.time)


func _restore_weights() -> void:
	for target: Array in _authored:
		if is_instance_valid(target[0]):
			target[0].set_blend_shape_value(target[1], _authored[target])
