extends Reference

# Shape names of any case, with any separators, with a prefix that a separator ends, and with _L and _R for
# Left and Right are one name: "jawOpen", "Head.Jaw_Open" and "A21_JawOpen". "V_" is no prefix: it marks a viseme, as
# the "V_Tongue_Out" that Character Creator has beside "Tongue_Out".


static func key(name: String) -> String:
	return _key(_words(name))


# Every key that a rig's shape answers to: its name with and without its prefixes.
static func keys(shape: String) -> Array:
	var words := _words(shape)
	var found := []
	var before := ""
	while not words.empty():
		if before != "v":
			found.append(_key(words))
		before = words[0]
		words.remove(0)
	return found


static func _key(words: PoolStringArray) -> String:
	var joined := words.join("")
	if words.empty():
		return joined
	match words[words.size() - 1]:
		"l":
			return joined + "eft"
		"r":
			return joined + "ight"
	return joined


static func _words(name: String) -> PoolStringArray:
	var words := PoolStringArray()
	var word := ""
	for character in name.to_lower():
		if character in "abcdefghijklmnopqrstuvwxyz0123456789":
			word += character
		elif word != "":
			words.append(word)
			word = ""
	if word != "":
		words.append(word)
	return words
