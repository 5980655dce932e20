extends SceneTree

# godot3-server --path PROJECT -s player.gd LAST PORT OUT: a head with blend shapes in the real engine. Each
# face that is shown is read back from the mesh and written to OUT, one JSON object a line. Until that of
# the time LAST, in seconds, the receiver is patient: a busy machine may hold up whoever sends.

const Receiver := preload("res://addons/koemorph/koemorph_receiver.gd")

const LONG := 60.0

var head: MeshInstance
var receiver: Node
var out := File.new()
var path: String
var names := []
var last: float
var patience: float


func _init() -> void:
	var arguments := OS.get_cmdline_args()
	path = arguments[arguments.size() - 1]
	out.open(path, File.WRITE)
	out.close()
	head = MeshInstance.new()
	head.mesh = _mesh(JSON.parse(_read("res://shapes.json")).result)
	root.add_child(head)
	receiver = Receiver.new()
	receiver.port = int(arguments[arguments.size() - 2])
	last = float(arguments[arguments.size() - 3])
	patience = receiver.patience
	receiver.patience = LONG
	receiver.connect("ready", self, "_on_ready")
	receiver.connect("face_shown", self, "_on_face_shown")
	receiver.connect("stream_lost", self, "_on_stream_lost")
	root.add_child(receiver)


func _on_ready() -> void:
	print("ready")


func _mesh(shapes: Array) -> ArrayMesh:
	var mesh := ArrayMesh.new()
	var arrays := []
	arrays.resize(ArrayMesh.ARRAY_MAX)
	arrays[ArrayMesh.ARRAY_VERTEX] = PoolVector3Array([Vector3.ZERO, Vector3.RIGHT, Vector3.UP])
	var targets := []
	for shape in shapes:
		mesh.add_blend_shape(shape)
		targets.append(arrays.duplicate(true))
	mesh.add_surface_from_arrays(Mesh.PRIMITIVE_TRIANGLES, arrays, targets)
	for shape in shapes:
		names.append("blend_shapes/" + shape)
	return mesh


func _read(path: String) -> String:
	var file := File.new()
	file.open(path, File.READ)
	return file.get_as_text()


func _on_face_shown(time: float) -> void:
	_write(time)
	if time > last - 0.001:
		receiver.patience = patience


func _on_stream_lost() -> void:
	_write(-1.0)
	quit()


func _write(time: float) -> void:
	var weights := []
	for name in names:
		weights.append(head.get(name))
	# Anew each time: what is open is not on the disk yet.
	out.open(path, File.READ_WRITE)
	out.seek_end()
	out.store_line(JSON.print({"time": time, "weights": weights}))
	out.close()
