extends RefCounted

# Loads files of `koemorph animate` (.jsonl, .csv) as an Animation with one track per blend shape.
# glTF files (.glb) need no script: Godot imports their animation with the mesh.

const MessageParser := preload("message_parser.gd")
const ShapeNames := preload("shape_names.gd")
# Time codes of Live Link Face are "HH:MM:SS:FF.fff", where FF counts frames of this rate.
const TIMECODE_FPS := 60.0


# Adds the animation in a file to an AnimationPlayer, in the library "koemorph". Animates the meshes
# below the root node of the player.
static func add_to_player(player: AnimationPlayer, path: String, animation_name: String) -> Error:
	var animation := load_animation(player.get_node(player.root_node), path)
	if animation == null:
		return ERR_INVALID_DATA
	var library := AnimationLibrary.new()
	if player.has_animation_library("koemorph"):
		library = player.get_animation_library("koemorph")
	else:
		player.add_animation_library("koemorph", library)
	if library.has_animation(animation_name):
		library.remove_animation(animation_name)
	return library.add_animation(animation_name, animation)


# The animation in a file for the meshes below `root`; null, with a message, on failure.
static func load_animation(root: Node, path: String) -> Animation:
	var is_csv := path.get_extension().to_lower() == "csv"
	var frames := read_csv(path) if is_csv else read_jsonl(path)
	if frames.is_empty():
		push_error("KoeMorph: %s has no frames. Use a .jsonl or .csv file of KoeMorph." % path)
		return null
	var shapes := ShapeNames.find_shapes(ShapeNames.find_meshes(root))
	var animation := Animation.new()
	animation.length = frames[-1][0]
	for name: String in frames[0][1]:
		for target: Array in shapes.get(ShapeNames.key(name), []):
			_add_track(animation, root, target, name, frames)
	if animation.get_track_count() == 0:
		push_error("KoeMorph: no blend shape below %s matches the names in %s." % [root.name, path])
		return null
	return animation


static func _add_track(
	animation: Animation, root: Node, target: Array, name: String, frames: Array
) -> void:
	var track := animation.add_track(Animation.TYPE_BLEND_SHAPE)
	var shape: StringName = target[0].mesh.get_blend_shape_name(target[1])
	animation.track_set_path(track, "%s:%s" % [root.get_path_to(target[0]), shape])
	for frame: Array in frames:
		animation.blend_shape_track_insert_key(track, frame[0], frame[1].get(name, 0.0))


# Frames of a .jsonl file: array of [time, {name: weight}].
static func read_jsonl(path: String) -> Array:
	var parser := MessageParser.new()
	var frames := []
	for line in FileAccess.get_file_as_string(path).split("\n", false):
		if parser.parse_json(line):
			frames.append([parser.time, parser.weights])
	return frames


# Frames of a Live Link Face .csv file.
static func read_csv(path: String) -> Array:
	var file := FileAccess.open(path, FileAccess.READ)
	var frames := []
	if file == null:
		return frames
	var header := file.get_csv_line()
	var codes: Array[PackedFloat64Array] = []
	while not file.eof_reached():
		var row := file.get_csv_line()
		if row.size() != header.size():
			continue
		codes.append(row[0].split_floats(":"))
		var weights := {}
		for column in range(2, header.size()):
			weights[header[column]] = row[column].to_float()
		frames.append([0.0, weights])
	for index in frames.size():
		frames[index][0] = _seconds(codes[index]) - _seconds(codes[0])
	return frames


static func _seconds(code: PackedFloat64Array) -> float:
	if code.size() != 4:
		return 0.0
	return code[0] * 3600.0 + code[1] * 60.0 + code[2] + code[3] / TIMECODE_FPS
