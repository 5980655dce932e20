extends Reference

# Reads KoeMorph's datagrams. JSON: one object a frame with "timestamp", "names" and "blendshapes".
# OSC: the VMC protocol, /VMC/Ext/Blend/Val once a shape and then /VMC/Ext/Blend/Apply, in bundles.

# The last whole face: shape name -> weight, and its time in seconds.
var face := {}
var time := 0.0

var _growing := {}
var _growing_time := 0.0
# What is being read; big-endian, as OSC is.
var _buffer := StreamPeerBuffer.new()


func _init() -> void:
	_buffer.big_endian = true


# True when the datagram completed a face. Anything malformed is left out.
func read(datagram: PoolByteArray) -> bool:
	if datagram.size() > 0 and datagram[0] == ord("{"):
		return _read_json(datagram.get_string_from_utf8())
	_buffer.data_array = datagram
	return _read_osc(datagram.size())


func _read_json(text: String) -> bool:
	var parsed := JSON.parse(text)
	if parsed.error != OK or typeof(parsed.result) != TYPE_DICTIONARY:
		return false
	var names = parsed.result.get("names")
	var weights = parsed.result.get("blendshapes")
	if typeof(names) != TYPE_ARRAY or typeof(weights) != TYPE_ARRAY or names.size() != weights.size():
		return false
	var stamp = parsed.result.get("timestamp", 0.0)
	var read := {}
	for i in names.size():
		if typeof(weights[i]) != TYPE_REAL:  # as JSON's numbers are
			return false
		read[str(names[i])] = weights[i]
	if typeof(stamp) != TYPE_REAL:
		return false
	face = read
	time = stamp
	return true


# One packet that ends at `end`: a message, or a bundle of packets.
func _read_osc(end: int) -> bool:
	var address := _read_text(end)
	if address != "#bundle":
		return _read_message(address, end)
	_buffer.seek(int(min(end, _buffer.get_position() + 8)))  # time tag: now
	var complete := false
	while _buffer.get_position() + 4 <= end:
		var size := _buffer.get_32()
		var next := _buffer.get_position() + size
		if size <= 0 or next > end:
			break
		complete = _read_osc(next) or complete
		_buffer.seek(next)
	return complete


func _read_message(address: String, end: int) -> bool:
	var types := _read_text(end)
	match address:
		"/VMC/Ext/T":
			if types == ",f":
				_growing_time = _buffer.get_float()
		"/VMC/Ext/Blend/Val":
			if types == ",sf":
				var name := _read_text(end)
				_growing[name] = _buffer.get_float()
		"/VMC/Ext/Blend/Apply":
			face = _growing
			time = _growing_time
			_growing = {}
			return true
	return false


# Zero-terminated and padded to four bytes.
func _read_text(end: int) -> String:
	var bytes := PoolByteArray()
	while _buffer.get_position() < end:
		var byte := _buffer.get_u8()
		if byte == 0:
			break
		bytes.append(byte)
	_buffer.seek(int(min(end, (_buffer.get_position() + 3) & ~3)))
	return bytes.get_string_from_utf8()
