extends SceneTree

# godot3-server --path PROJECT -s player.gd PORT OUT: a head with blend shapes in the real engine. Each
# face that is shown is read back from the mesh and written to OUT, one JSON object a line.

const Receiver := preload("res://addons/koemorph/koemorph_receiver.gd")

var head: MeshInstance
var receiver: Node
var out := File.new()
var names := []


func _init() -> void:
	var arguments := OS.get_cmdline_args()
	out.open(arguments[arguments.size() - 1], File.WRITE)
	head = MeshInstance.new()
	head.mesh = _mesh(JSON.parse(_read("res://shapes.json")).result)
	root.add_child(head)
	receiver = Receiver.new()
	receiver.port = int(arguments[arguments.size() - 2])
	receiver.connect("face_shown", self, "_on_face_shown")
	receiver.connect("stream_lost", self, "_on_stream_lost")
	root.add_child(receiver)
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


func _on_stream_lost() -> void:
	_write(-1.0)
	out.close()
	quit()


func _write(time: float) -> void:
	var weights := []
	for name in names:
		weights.append(head.get(name))
	out.store_line(JSON.print({"time": time, "weights": weights}))
