// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Text;

namespace Tombolo.Switching;

/// <summary>Whence a captured frame came. Source: pcapng, "Enhanced Packet Block", epb_flags, bits 0-1.</summary>
public enum CaptureDirection
{
    /// <summary>Not known.</summary>
    Unknown = 0,
    /// <summary>From the port's guest to the switch.</summary>
    FromGuest = 1,
    /// <summary>From the switch to the port's guest.</summary>
    ToGuest = 2,
}

/// <summary>Writes a pcapng file of one Ethernet interface.</summary>
/// <remarks>
/// Source: draft-ietf-opsawg-pcapng. Every block: type (4), length (4), body, options, length again (4), all in this machine's order, which the section's magic tells.
/// Not thread-safe.
/// </remarks>
internal sealed class PcapngWriter(Stream output)
{
    private const uint SectionHeader = 0x0a0d0d0a, ByteOrder = 0x1a2b3c4d, InterfaceDescription = 1, InterfaceStatistics = 5, EnhancedPacket = 6;
    private const ushort LinkEthernet = 1, OptionName = 2, OptionResolution = 9, OptionFlags = 2, OptionReceived = 4, OptionDropped = 5;
    private readonly byte[] _block = new byte[Frame.MaxBytes + 256];
    private int _at;

    /// <summary>What stands at a file's start.</summary>
    /// <param name="name">The interface's name.</param>
    public void Begin(string name)
    {
        Open(SectionHeader);
        Put32(ByteOrder);
        Put16(1);
        Put16(0);
        Put64(ulong.MaxValue);   // the section's length is not known
        Close();
        Open(InterfaceDescription);
        Put16(LinkEthernet);
        Put16(0);
        Put32(0);   // frames are not cut
        PutOption(OptionName, Encoding.UTF8.GetBytes(name));
        PutOption(OptionResolution, [9]);   // nanoseconds
        PutOption(0, []);
        Close();
    }

    /// <summary>One frame.</summary>
    /// <param name="nanoseconds">Since 1970.</param>
    /// <param name="direction">Whence it came.</param>
    /// <param name="lengthBytes">How long it was.</param>
    /// <param name="frame">What was kept of it.</param>
    public void Write(ulong nanoseconds, CaptureDirection direction, int lengthBytes, ReadOnlySpan<byte> frame)
    {
        Open(EnhancedPacket);
        Put32(0);
        Put32((uint)(nanoseconds >> 32));
        Put32((uint)nanoseconds);
        Put32((uint)frame.Length);
        Put32((uint)lengthBytes);
        frame.CopyTo(_block.AsSpan(_at));
        _at += frame.Length;
        Pad();
        Span<byte> flags = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(flags, (uint)direction);
        PutOption(OptionFlags, flags);
        PutOption(0, []);
        Close();
    }

    /// <summary>What stands at its end: how many frames were written, and how many were lost.</summary>
    public void End(ulong nanoseconds, long written, long dropped)
    {
        Span<byte> number = stackalloc byte[8];
        Open(InterfaceStatistics);
        Put32(0);
        Put32((uint)(nanoseconds >> 32));
        Put32((uint)nanoseconds);
        BinaryPrimitives.WriteInt64LittleEndian(number, written + dropped);
        PutOption(OptionReceived, number);
        BinaryPrimitives.WriteInt64LittleEndian(number, dropped);
        PutOption(OptionDropped, number);
        PutOption(0, []);
        Close();
    }

    public void Flush() => output.Flush();

    private void Open(uint type)
    {
        _at = 0;
        Put32(type);
        Put32(0);   // the length, when it is known
    }

    private void Close()
    {
        uint length = (uint)(_at + 4);
        BinaryPrimitives.WriteUInt32LittleEndian(_block.AsSpan(4), length);
        Put32(length);
        output.Write(_block, 0, _at);
    }

    private void PutOption(ushort code, ReadOnlySpan<byte> value)
    {
        Put16(code);
        Put16((ushort)value.Length);
        value.CopyTo(_block.AsSpan(_at));
        _at += value.Length;
        Pad();
    }

    private void Pad()
    {
        while ((_at & 3) != 0) _block[_at++] = 0;
    }

    private void Put16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_block.AsSpan(_at), value);
        _at += 2;
    }

    private void Put32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_block.AsSpan(_at), value);
        _at += 4;
    }

    private void Put64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_block.AsSpan(_at), value);
        _at += 8;
    }
}
