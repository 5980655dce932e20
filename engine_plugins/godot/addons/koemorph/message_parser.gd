extends RefCounted

# Parses the messages of KoeMorph. JSON: one object per frame with "timestamp", "blendshapes" and
# "names" (default: the 52 ARKit names). OSC (VMC): /VMC/Ext/Blend/Val per blend shape, then
# /VMC/Ext/Blend/Apply, in bundles.

const ArkitNames := preload("arkit_names.gd")

# The last complete frame: blend shape name -> weight, and its time in seconds.
var weights := {}
var time := 0.0

var _pending := {}
var _pending_time := 0.0
# OSC is big-endian.
var _buffer := StreamPeerBuffer.new()


func _init() -> void:
	_buffer.big_endian = true


# Parses one UDP datagram. True if it completed a frame; malformed data is ignored.
func parse_datagram(datagram: PackedByteArray) -> bool:
	if datagram.size() > 0 and datagram[0] == "{".unicode_at(0):
		return parse_json(datagram.get_string_from_utf8())
	_buffer.data_array = datagram
	_buffer.seek(0)
	return _parse_osc(datagram.size())


# Parses one JSON frame. True if it is valid.
func parse_json(text: String) -> bool:
	var json := JSON.new()
	if json.parse(text) != OK or not json.data is Dictionary:
		return false
	var names: Variant = json.data.get("names", ArkitNames.NAMES)
	var values: Variant = json.data.get("blendshapes")
	var timestamp: Variant = json.data.get("timestamp", 0.0)
	if not names is Array or not values is Array or names.size() != values.size():
		return false
	if not timestamp is float:
		return false
	var parsed := {}
	for i in names.size():
		if not values[i] is float:  # JSON numbers are parsed as float
			return false
		parsed[str(names[i])] = values[i]
	weights = parsed
	time = timestamp
	return true


# One packet that ends at `end`: a message, or a bundle of packets.
func _parse_osc(end: int) -> bool:
	var address := _parse_string(end)
	if address != "#bundle":
		return _parse_message(address, end)
	_buffer.seek(mini(end, _buffer.get_position() + 8))  # the time tag is always "immediately"
	var complete := false
	while _buffer.get_position() + 4 <= end:
		var size := _buffer.get_32()
		var next := _buffer.get_position() + size
		if size <= 0 or next > end:
			break
		complete = _parse_osc(next) or complete
		_buffer.seek(next)
	return complete


func _parse_message(address: String, end: int) -> bool:
	var types := _parse_string(end)
	match address:
		"/VMC/Ext/T":
			if types == ",f":
				_pending_time = _buffer.get_float()
		"/VMC/Ext/Blend/Val":
			if types == ",sf":
				var name := _parse_string(end)
				_pending[name] = _buffer.get_float()
		"/VMC/Ext/Blend/Apply":
			weights = _pending
			time = _pending_time
			_pending = {}
			return true
	return false


# A zero-terminated string, padded to four bytes.
func _parse_string(end: int) -> String:
	var bytes := PackedByteArray()
	while _buffer.get_position() < end:
		var byte := _buffer.get_u8()
		if byte == 0:
			break
		bytes.append(byte)
	_buffer.seek(mini(end, (_buffer.get_position() + 3) & ~3))
	return bytes.get_string_from_utf8()
