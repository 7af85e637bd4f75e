// SPDX-License-Identifier: MIT
using System.Buffers.Binary;

namespace Tombolo.Switching;

/// <summary>Reads the Ethernet frames of a pcap or pcapng file, whoever wrote it, in either byte order.</summary>
/// <remarks>Source: draft-ietf-opsawg-pcap (24-byte file header, 16-byte record header), draft-ietf-opsawg-pcapng. Every length is checked before it is used. Not thread-safe.</remarks>
internal sealed class PcapReader
{
    private const uint Micro = 0xa1b2c3d4, Nano = 0xa1b23c4d, SectionHeader = 0x0a0d0d0a, ByteOrder = 0x1a2b3c4d, InterfaceDescription = 1, EnhancedPacket = 6;
    private const int MostBlock = 1 << 20;
    private readonly Stream _input;
    private readonly byte[] _buffer = new byte[MostBlock];
    private readonly List<(bool IsEthernet, double NanosecondsPerTick)> _interfaces = [];
    private readonly bool _isNext;
    private bool _isBig;
    private readonly double _perTick;

    /// <exception cref="InvalidDataException">It is no such file, or of another kind of network.</exception>
    public PcapReader(Stream input)
    {
        _input = input;
        if (!Fill(0, 4)) throw new InvalidDataException("The file is empty.");
        uint magic = BinaryPrimitives.ReadUInt32LittleEndian(_buffer);
        _isNext = magic == SectionHeader;
        if (_isNext)
        {
            Section();
            return;
        }
        uint swapped = BinaryPrimitives.ReverseEndianness(magic);
        _isBig = swapped is Micro or Nano;
        uint kind = _isBig ? swapped : magic;
        if (kind is not (Micro or Nano)) throw new InvalidDataException($"The file starts with {magic:x8}: it is neither pcap nor pcapng.");
        _perTick = kind == Nano ? 1 : 1000;
        if (!Fill(4, 20) || (U32(20) & 0x0fff_ffff) != 1) throw new InvalidDataException("The file does not hold Ethernet frames.");
    }

    /// <summary>The next frame.</summary>
    /// <param name="frame">Valid until the next call.</param>
    /// <param name="nanoseconds">When it was recorded.</param>
    /// <returns>False at the file's end.</returns>
    /// <exception cref="InvalidDataException">The file is damaged.</exception>
    public bool TryRead(out ReadOnlySpan<byte> frame, out double nanoseconds) => _isNext ? TryReadBlock(out frame, out nanoseconds) : TryReadRecord(out frame, out nanoseconds);

    private bool TryReadRecord(out ReadOnlySpan<byte> frame, out double nanoseconds)
    {
        frame = [];
        nanoseconds = 0;
        if (!Fill(0, 16)) return false;
        nanoseconds = (U32(0) * 1e9) + (U32(4) * _perTick);
        uint length = U32(8);
        if (length > MostBlock) throw new InvalidDataException($"A record has {length} bytes; {MostBlock} is the most.");
        if (!Fill(0, (int)length)) throw new InvalidDataException("The file ends within a frame.");
        frame = _buffer.AsSpan(0, (int)length);
        return true;
    }

    private bool TryReadBlock(out ReadOnlySpan<byte> frame, out double nanoseconds)
    {
        frame = [];
        nanoseconds = 0;
        while (Fill(0, 4))
        {
            uint type = U32(0);
            if (type == SectionHeader)
            {
                Section();
                continue;
            }
            int body = Body();
            if (type == InterfaceDescription) Interface(body);
            if (type != EnhancedPacket) continue;
            if (body < 20 || U32(0) >= _interfaces.Count || U32(12) > body - 20) throw new InvalidDataException("A packet block does not hold what it says.");
            (bool isEthernet, double perTick) = _interfaces[(int)U32(0)];
            if (!isEthernet) continue;
            nanoseconds = (((ulong)U32(4) << 32) | U32(8)) * perTick;
            frame = _buffer.AsSpan(20, (int)U32(12));
            return true;
        }
        return false;
    }

    // Its length is in an order that only its body tells.
    private void Section()
    {
        if (!Fill(4, 8)) throw new InvalidDataException("The file ends within a section's header.");
        _isBig = false;
        if (U32(8) != ByteOrder) _isBig = true;
        if (U32(8) != ByteOrder) throw new InvalidDataException("A section's byte order cannot be told.");
        uint length = U32(4);
        if (length < 28 || length > MostBlock || (length & 3) != 0 || !Fill(0, (int)length - 12)) throw new InvalidDataException($"A section's header of {length} bytes is damaged.");
        _interfaces.Clear();
    }

    private int Body()
    {
        if (!Fill(4, 4)) throw new InvalidDataException("The file ends within a block.");
        uint length = U32(4);
        if (length < 12 || length > MostBlock || (length & 3) != 0 || !Fill(0, (int)length - 8)) throw new InvalidDataException($"A block of {length} bytes is damaged.");
        return (int)length - 12;
    }

    private void Interface(int body)
    {
        if (body < 8) throw new InvalidDataException("An interface's block is too short.");
        double perTick = 1000;
        for (int at = 8; at + 4 <= body;)
        {
            int code = U16(at), length = U16(at + 2);
            if (code == 0 || at + 4 + length > body) break;
            if (code == 9 && length == 1) perTick = (_buffer[at + 4] & 0x80) != 0 ? 1e9 / Math.Pow(2, _buffer[at + 4] & 0x7f) : 1e9 / Math.Pow(10, _buffer[at + 4]);
            at += 4 + ((length + 3) & ~3);
        }
        _interfaces.Add((U16(0) == 1, perTick));
    }

    private bool Fill(int at, int count) => _input.ReadAtLeast(_buffer.AsSpan(at, count), count, throwOnEndOfStream: false) == count;

    private ushort U16(int at) => _isBig ? BinaryPrimitives.ReadUInt16BigEndian(_buffer.AsSpan(at)) : BinaryPrimitives.ReadUInt16LittleEndian(_buffer.AsSpan(at));

    private uint U32(int at) => _isBig ? BinaryPrimitives.ReadUInt32BigEndian(_buffer.AsSpan(at)) : BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(at));
}
