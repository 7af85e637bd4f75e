// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Tombolo.Switching;

/// <summary>Does in software what a sender left to be done, for a receiver that does not take it: fills in checksums, cuts large TCP segments.</summary>
/// <remarks>The frame is a copy of our own, and still of a guest's making: every offset is checked. Source: RFC 1071 (checksum), RFC 791, 8200, 9293 (headers).</remarks>
internal ref struct Segmenter
{
    private const int Fin = 1, Push = 8, Cwr = 0x80;
    private readonly Span<byte> _frame, _part;
    private readonly NetHeader _header;
    private readonly int _ip, _tcp, _payload;
    private int _at;
    private ushort _number;

    /// <summary>Prepares to cut a frame.</summary>
    /// <param name="header">Its offload header, of type Tcp4 or Tcp6.</param>
    /// <param name="frame">The frame.</param>
    /// <param name="part">Receives one part after another; as long as the frame.</param>
    public Segmenter(NetHeader header, Span<byte> frame, Span<byte> part)
    {
        _header = header;
        _frame = frame;
        _part = part;
        _ip = Offset(frame);
        _tcp = header.ChecksumStart;
        bool isIp = _ip > 0 && _tcp >= _ip + (header.Type == GsoType.Tcp4 ? 20 : 40) && _tcp + 20 <= frame.Length
            && frame[_ip] >> 4 == (header.Type == GsoType.Tcp4 ? 4 : 6) && header.ChecksumOffset == 16;
        _payload = isIp ? _tcp + ((frame[_tcp + 12] >> 4) * 4) : 0;
        CanCut = isIp && _payload >= _tcp + 20 && _payload < frame.Length && (header.Type == GsoType.Tcp6 || (frame[_ip] & 15) * 4 == _tcp - _ip);
        _at = _payload;
    }

    /// <summary>Whether it is what its header says.</summary>
    public bool CanCut { get; }

    /// <summary>Makes the next part.</summary>
    /// <param name="length">Its length.</param>
    /// <returns>False after the last.</returns>
    public bool TryNext(out int length)
    {
        length = 0;
        if (!CanCut || _at >= _frame.Length) return false;
        int count = Math.Min(_header.GsoSize, _frame.Length - _at);
        bool isFirst = _at == _payload, isLast = _at + count == _frame.Length;
        length = _payload + count;
        _frame[.._payload].CopyTo(_part);
        _frame.Slice(_at, count).CopyTo(_part[_payload..]);
        SetLengths(length);
        Span<byte> tcp = _part[_tcp..length];
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], BinaryPrimitives.ReadUInt32BigEndian(_frame[(_tcp + 4)..]) + (uint)(_at - _payload));
        if (!isLast) tcp[13] &= unchecked((byte)~(Fin | Push));
        if (!isFirst) tcp[13] &= unchecked((byte)~Cwr);
        BinaryPrimitives.WriteUInt16BigEndian(tcp[16..], Fold(PseudoHeader(length - _tcp)));   // what a driver leaves there, for this length
        FillChecksum(_part[..length], _tcp, 16);
        _at += count;
        return true;
    }

    /// <summary>Fills in the checksum that the sender left out; its place holds the sum of the pseudo header.</summary>
    /// <param name="frame">The frame.</param>
    /// <param name="start">From where it is taken.</param>
    /// <param name="offset">Where it goes, from there. The caller has checked both.</param>
    public static void FillChecksum(Span<byte> frame, int start, int offset)
    {
        ushort sum = (ushort)~Fold(Sum(frame[start..]));
        // RFC 768: an all-zero UDP checksum means none, so that zero is sent as its other form; for TCP the two are the same.
        BinaryPrimitives.WriteUInt16BigEndian(frame[(start + offset)..], sum == 0 ? (ushort)0xffff : sum);
    }

    /// <summary>The ones' complement sum of 16-bit words, high byte first.</summary>
    internal static ulong Sum(ReadOnlySpan<byte> bytes)
    {
        ulong sum = 0;
        ReadOnlySpan<uint> words = MemoryMarshal.Cast<byte, uint>(bytes);
        foreach (uint word in words) sum += word;
        ReadOnlySpan<byte> left = bytes[(words.Length * sizeof(uint))..];
        if (left.Length >= 2) sum += MemoryMarshal.Read<ushort>(left);
        if ((left.Length & 1) != 0) sum += left[^1];
        // Summed in the host's order; the sum's bytes are swapped once at its end (RFC 1071, "byte order independence").
        return BinaryPrimitives.ReverseEndianness(Fold(sum));
    }

    internal static ushort Fold(ulong sum)
    {
        while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
        return (ushort)sum;
    }

    // Behind the addresses and any VLAN tags; 0 where it is no IP.
    private static int Offset(ReadOnlySpan<byte> frame)
    {
        for (int at = 12; at + 2 <= frame.Length && at <= 20; at += 4)
        {
            ushort type = BinaryPrimitives.ReadUInt16BigEndian(frame[at..]);
            if (type is 0x8100 or 0x88a8) continue;
            return type is 0x0800 or 0x86dd ? at + 2 : 0;
        }
        return 0;
    }

    private void SetLengths(int length)
    {
        Span<byte> ip = _part[_ip.._tcp];
        if (_header.Type == GsoType.Tcp6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)(length - _ip - 40));
            return;
        }
        BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)(length - _ip));
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)(BinaryPrimitives.ReadUInt16BigEndian(_frame[(_ip + 4)..]) + _number++));
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(ip[10..], (ushort)~Fold(Sum(ip)));
    }

    private readonly ulong PseudoHeader(int tcpBytes)
    {
        ReadOnlySpan<byte> addresses = _header.Type == GsoType.Tcp4 ? _part.Slice(_ip + 12, 8) : _part.Slice(_ip + 8, 32);
        return Sum(addresses) + 6 + (ulong)tcpBytes;
    }
}
