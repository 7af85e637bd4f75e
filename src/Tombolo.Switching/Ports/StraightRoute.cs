// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Tombolo.Switching;

/// <summary>Where frames of one ring with one pair of addresses go, as long as the table is the same: to one guest, with nothing to be done to them on the way.</summary>
/// <remarks>Addresses are kept as they stand in a frame, so that a frame's are compared without being put in order.</remarks>
internal sealed class StraightRoute
{
    private ForwardingTable? _table;
    private ulong _destination;
    private ulong _source;
    private int _mostBytes;   // of a frame behind its offload header

    /// <summary>Whose guest they go to.</summary>
    public VhostPort? To { get; private set; }

    /// <summary>The same, if this table still says so.</summary>
    public VhostPort? ToBy(ForwardingTable table) => _table == table ? To : null;

    /// <summary>Notes where a frame went. What was learned is not noted: it may be elsewhere the next time.</summary>
    public void Note(ForwardingTable table, VhostPort from, VhostPort to, in Frame frame)
    {
        if (from.Options.Learns || to.Options.Learns) return;
        (_table, To) = (table, to);
        (_destination, _source) = (Address(frame.Head), Address(frame.Head[MacAddress.Bytes..]));
        _mostBytes = NetHeader.Bytes + Frame.HeadBytes + 8 + Math.Min(from.Options.Mtu, to.Options.Mtu);
    }

    /// <summary>Whether a frame goes there.</summary>
    /// <param name="table">The present table.</param>
    /// <param name="bytes">How many bytes it has, with its offload header.</param>
    /// <param name="second">Bytes 8 to 15 of it.</param>
    /// <param name="third">Bytes 16 to 23 of it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Takes(ForwardingTable table, int bytes, ulong second, ulong third) =>
        _table == table && bytes <= _mostBytes && ((second >> 32) | ((third & 0xffff) << 32)) == _destination && third >> 16 == _source;

    private static ulong Address(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<uint>(bytes) | ((ulong)MemoryMarshal.Read<ushort>(bytes[4..]) << 32);
}
