// SPDX-License-Identifier: MIT
using Tombolo.Memory;

namespace Tombolo.Switching;

/// <summary>A part of a ring, or of what is kept about one, in memory that another party writes. Each access goes through a checked view.</summary>
internal readonly struct RingArea(GuestBuffer buffer)
{
    private readonly nint _address = buffer.Address;
    private readonly int _length = buffer.Length;

    public int Length => _length;

    public unsafe Span<byte> Bytes =>
        // SAFETY: the range was translated by GuestMemory, and the ring is stopped before its region is unmapped.
        new((void*)_address, _length);

    public SharedView View => new(Bytes);
}

/// <summary>Where a ring's parts lie; <paramref name="InFlight"/> is what is kept beyond our death, if anything.</summary>
internal readonly record struct RingAreas(RingArea Descriptors, RingArea Driver, RingArea Device, RingArea? InFlight, Action Step);
