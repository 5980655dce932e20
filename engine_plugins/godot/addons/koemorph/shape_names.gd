extends RefCounted

# Matching of blend shape names. Case, separators, a prefix that ends with a separator, and the
# spelling of Left and Right (_L, _R) are ignored: "jawOpen", "Head.Jaw_Open" and "A21_JawOpen" are
# equal. "V_" is not a prefix: it marks a viseme, such as "V_Tongue_Out" of Character Creator.

const CHARACTERS := "abcdefghijklmnopqrstuvwxyz0123456789"


# Key of a received name.
static func key(name: String) -> String:
	return _join(_words(name))


# All keys that match a blend shape of a mesh: its name with and without its prefixes.
static func keys(shape: String) -> PackedStringArray:
	var words := _words(shape)
	var found := PackedStringArray()
	var previous := ""
	while not words.is_empty():
		if previous != "v":
			found.append(_join(words))
		previous = words[0]
		words.remove_at(0)
	return found


# The blend shapes below a node by key: key -> array of [MeshInstance3D, blend shape index].
static func find_shapes(meshes: Array[MeshInstance3D]) -> Dictionary:
	var found := {}
	for mesh in meshes:
		for index in mesh.get_blend_shape_count():
			for shape_key in keys(mesh.mesh.get_blend_shape_name(index)):
				found.get_or_add(shape_key, []).append([mesh, index])
	return found


# All MeshInstance3D nodes with blend shapes at or below a node.
static func find_meshes(root: Node) -> Array[MeshInstance3D]:
	var found: Array[MeshInstance3D] = []
	var instance := root as MeshInstance3D
	if instance != null and instance.mesh != null and instance.get_blend_shape_count() > 0:
		found.append(instance)
	for child in root.get_children():
		found.append_array(find_meshes(child))
	return found


static func _join(words: PackedStringArray) -> String:
	var joined := "".join(words)
	if words.is_empty():
		return joined
	match words[words.size() - 1]:
		"l":
			return joined + "eft"
		"r":
			return joined + "ight"
	return joined


static func _words(name: String) -> PackedStringArray:
	var words := PackedStringArray()
	var word := ""
	for character in name.to_lower():
		if character in CHARACTERS:
			word += character
		elif word != "":
			words.append(word)
			word = ""
	if word != "":
		words.append(word)
	return words
