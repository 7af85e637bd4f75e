// SPDX-License-Identifier: MIT
namespace Tombolo.Switching;

/// <summary>Writes bytes one after another over a list of buffers; the caller has made sure that they have room.</summary>
internal ref struct ScatterWriter(ReadOnlySpan<GuestBuffer> buffers)
{
    private ReadOnlySpan<GuestBuffer> _left = buffers[1..];
    private Span<byte> _room = buffers[0].Bytes;

    public void Write(scoped ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > _room.Length)
        {
            bytes[.._room.Length].CopyTo(_room);
            bytes = bytes[_room.Length..];
            _room = _left[0].Bytes;
            _left = _left[1..];
        }
        bytes.CopyTo(_room);
        _room = _room[bytes.Length..];
    }
}
