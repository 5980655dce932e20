"""Network outputs, decoded by independent parsers or by ones written from the specification."""

from __future__ import annotations

import json
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pythonosc.osc_packet import OscPacket

from koemorph.blendshapes import BLENDSHAPES, INDEX
from koemorph.errors import OutputError
from koemorph.outputs.ifacialmocap import (
    IFacialMocapOutput,
)
from koemorph.outputs.livelink import LiveLinkOutput, encode_packet
from koemorph.outputs.network import MAX_DATAGRAM, Frame, Output, is_port, parse_endpoint
from koemorph.outputs.osc import OscOutput, check_pattern
from koemorph.outputs.udp import JsonUdpOutput
from koemorph.outputs.vmc import VmcOutput
from koemorph.outputs.vrchat import VrchatOutput

WEIGHTS = np.random.default_rng(3).random(52, np.float32)
FRAME = Frame.from_weights(7, 30, WEIGHTS)


def send_once(make: Callable[[str, int], Output], receiver: socket.socket) -> None:
    output = make(*receiver.getsockname())
    try:
        output.send(FRAME)
        assert (output.sent, output.dropped, output.error) == (1, 0, "")
    finally:
        output.close()


def receive_osc(receiver: socket.socket, until: str) -> list[tuple[str, list[Any]]]:
    messages: list[tuple[str, list[Any]]] = []
    while not messages or messages[-1][0] != until:
        datagram = receiver.recv(65536)
        assert len(datagram) <= MAX_DATAGRAM
        messages += [(m.message.address, m.message.params) for m in OscPacket(datagram).messages]
    return messages


def parse_live_link(data: bytes) -> dict[str, Any]:
    """Decode a Live Link Face v6 packet, written from the specification."""
    at = 0

    def take(count: int) -> bytes:
        nonlocal at
        piece = data[at : at + count]
        assert len(piece) == count, "packet too short"
        at += count
        return piece

    def integer() -> int:
        return int.from_bytes(take(4), "big", signed=True)

    packet: dict[str, Any] = {"version": take(1)[0]}
    packet["device"] = take(integer()).decode()
    packet["subject"] = take(integer()).decode()
    packet["frame"] = integer()
    packet["subframe"] = struct.unpack(">f", take(4))[0]
    packet["rate"] = (integer(), integer())
    packet["count"] = take(1)[0]
    packet["values"] = [struct.unpack(">f", take(4))[0] for _ in range(packet["count"])]
    assert at == len(data), "bytes left over"
    return packet


def test_live_link_packet_bytes() -> None:
    weights = np.zeros(52, np.float32)
    weights[INDEX["jawOpen"]] = 0.5
    packet = encode_packet("A" * 36, "声", 258, 60, weights)
    floats = [bytes(4)] * 61
    floats[17] = bytes.fromhex("3f000000")
    expected = (
        b"\x06"
        + b"\x00\x00\x00\x24" + b"A" * 36
        + b"\x00\x00\x00\x03" + b"\xe5\xa3\xb0"
        + b"\x00\x00\x01\x02" + b"\x00\x00\x00\x00"
        + b"\x00\x00\x00\x3c" + b"\x00\x00\x00\x01"
        + b"\x3d"
        + b"".join(floats)
    )  # fmt: skip
    assert packet == expected
    assert len(packet) == 306 + 3


def test_live_link_packet_fields(receiver: socket.socket) -> None:
    send_once(lambda host, port: LiveLinkOutput(host, port, "Hero", first_frame=100), receiver)
    packet = parse_live_link(receiver.recv(4096))
    assert packet["version"] == 6
    assert len(packet["device"]) == 36
    assert packet["subject"] == "Hero"
    assert (packet["frame"], packet["subframe"], packet["rate"]) == (107, 0.0, (30, 1))
    np.testing.assert_array_equal(packet["values"][:52], WEIGHTS)
    assert packet["values"][52:] == [0.0] * 9


def test_live_link_subject_of_a_wrong_length_is_rejected() -> None:
    for subject in ("", "x" * 129, "caf\udce9"):
        with pytest.raises(OutputError) as caught:
            LiveLinkOutput("127.0.0.1", 11111, subject)
        assert caught.value.code == "bad_subject"


def test_vmc_is_received_by_python_osc(receiver: socket.socket) -> None:
    send_once(VmcOutput, receiver)
    messages = receive_osc(receiver, "/VMC/Ext/Blend/Apply")
    assert messages[0] == ("/VMC/Ext/OK", [1])
    assert messages[1][1] == [pytest.approx(FRAME.time)]
    shapes = dict(params for address, params in messages if address == "/VMC/Ext/Blend/Val")
    assert tuple(shapes) == BLENDSHAPES
    np.testing.assert_array_equal(np.float32(list(shapes.values())), WEIGHTS)


def test_vmc_names_in_pascal_case(receiver: socket.socket) -> None:
    send_once(lambda host, port: VmcOutput(host, port, pascal=True), receiver)
    messages = receive_osc(receiver, "/VMC/Ext/Blend/Apply")
    assert messages[2][1][0] == "EyeBlinkLeft"


def test_osc_one_message_per_blendshape(receiver: socket.socket) -> None:
    send_once(OscOutput, receiver)
    messages = dict(receive_osc(receiver, "/koemorph/tongueOut"))
    assert list(messages) == [f"/koemorph/{name}" for name in BLENDSHAPES]
    assert np.float32(messages["/koemorph/jawOpen"][0]) == WEIGHTS[INDEX["jawOpen"]]


def test_osc_all_values_in_one_message(receiver: socket.socket) -> None:
    send_once(lambda host, port: OscOutput(host, port, "/blendshapes"), receiver)
    [(address, values)] = receive_osc(receiver, "/blendshapes")
    assert address == "/blendshapes"
    np.testing.assert_array_equal(np.float32(values), WEIGHTS)


@pytest.mark.parametrize(
    "pattern",
    ["", "jaw", "/a b", "/{nam}", "/x*", "/#", "/" + "a" * 300, "/caf\udce9/{name}", "/bell\a"],
)
def test_malformed_osc_patterns_are_rejected(pattern: str) -> None:
    with pytest.raises(OutputError) as caught:
        check_pattern(pattern)
    assert caught.value.code == "bad_pattern"


def test_vrchat_parameters(receiver: socket.socket) -> None:
    send_once(VrchatOutput, receiver)
    prefix = "/avatar/parameters/v2/"
    values = {
        address.removeprefix(prefix): params[0]
        for address, params in receive_osc(receiver, prefix + "EyeRightY")
    }
    w = dict(zip(BLENDSHAPES, WEIGHTS.tolist(), strict=True))
    assert values["JawOpen"] == pytest.approx(w["jawOpen"])
    assert values["JawX"] == pytest.approx(w["jawRight"] - w["jawLeft"])
    assert values["MouthSmileLeft"] == pytest.approx(w["mouthSmileLeft"])
    lid = 0.75 - 0.75 * w["eyeBlinkRight"] + 0.25 * w["eyeWideRight"]
    assert values["EyeLidRight"] == pytest.approx(lid, abs=1e-6)
    assert all(-1 <= value <= 1 for value in values.values())


def test_json_udp(receiver: socket.socket) -> None:
    send_once(JsonUdpOutput, receiver)
    datagram = receiver.recv(65536)
    assert len(datagram) <= MAX_DATAGRAM
    frame = json.loads(datagram)
    assert frame["frame_index"] == 7
    assert frame["timestamp"] == pytest.approx(7 / 30, abs=1e-4)
    assert tuple(frame["names"]) == BLENDSHAPES
    np.testing.assert_allclose(frame["blendshapes"], WEIGHTS, atol=5.1e-5)


def test_rate_limit_skips_frames(receiver: socket.socket) -> None:
    output = JsonUdpOutput(*receiver.getsockname())
    output.max_rate = 30
    for index in range(60):
        output.send(Frame.from_weights(index, 60, WEIGHTS))
    output.close()
    assert output.sent == 30


def test_an_unreachable_host_counts_as_dropped() -> None:
    output = JsonUdpOutput("127.0.0.1", 9)
    try:
        output._socket.close()  # every system call fails
        output.send(FRAME)
        assert output.dropped == 1
        assert output.error
    finally:
        output.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a broadcast on its loopback")
@pytest.mark.parametrize(
    "make",
    [
        JsonUdpOutput,
        VmcOutput,
        OscOutput,
        VrchatOutput,
        IFacialMocapOutput,
        lambda host, port: LiveLinkOutput(host, port, "Hero", 0),
    ],
)
def test_frames_are_sent_to_a_broadcast_address(make: Callable[[str, int], Output]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("", 0))
        receiver.settimeout(60)
        output = make("127.255.255.255", receiver.getsockname()[1])
        output.send(FRAME)
        output.close()
        assert (output.sent, output.dropped, output.error) == (1, 0, "")
        assert receiver.recv(65536)


def test_ipv4_is_preferred_for_names_with_two_addresses(
    receiver: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, port = receiver.getsockname()
    both = [
        (socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("::1", port, 0, 0)),
        (socket.AF_INET, socket.SOCK_DGRAM, 17, "", (host, port)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: both)
    output = JsonUdpOutput("localhost", port)
    output.send(FRAME)
    output.close()
    assert json.loads(receiver.recv(65536))["frame_index"] == FRAME.index


def test_an_unknown_host_is_rejected() -> None:
    with pytest.raises(OutputError) as caught:
        JsonUdpOutput("no-such-host.invalid", 9)
    assert caught.value.code == "unknown_host"


@pytest.mark.parametrize(
    "text", ["", "host", ":1", "host:", "host:0", "host:65536", "host:x", "::1"]
)
def test_malformed_addresses_are_rejected(text: str) -> None:
    with pytest.raises(OutputError) as caught:
        parse_endpoint(text)
    assert caught.value.code == "bad_address"


def test_addresses_are_parsed() -> None:
    assert not is_port("9" * 5000)
    assert parse_endpoint("127.0.0.1:9000") == ("127.0.0.1", 9000)
    assert parse_endpoint("[::1]:9000") == ("::1", 9000)
    assert parse_endpoint("hero.local", 11111) == ("hero.local", 11111)
