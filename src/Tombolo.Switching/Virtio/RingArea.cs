// SPDX-License-Identifier: MIT
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
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

    // As SharedView's, for what every frame does several times: one check, and no span to make.
    // ORDER: acquire and release; who relies on it says so.

    public ushort ReadAcquire16(int offset) => Volatile.Read(ref At<ushort>(offset));

    public ulong ReadAcquire64(int offset) => Volatile.Read(ref At<ulong>(offset));

    public void WriteRelease16(int offset, ushort value) => Volatile.Write(ref At<ushort>(offset), value);

    public void WriteRelease64(int offset, ulong value) => Volatile.Write(ref At<ulong>(offset), value);

    /// <summary>Writes eight bytes anywhere; others see them, in parts or not, when a word is released after them.</summary>
    public void WritePlain64(int offset, ulong value) => Unsafe.WriteUnaligned(ref Unsafe.As<ulong, byte>(ref At<ulong>(offset)), value);

    /// <summary>Has the processor bring what is there into its cache; an offset that is not within does no harm.</summary>
    public unsafe void Prefetch(int offset)
    {
        // SAFETY: a prefetch reads nothing as far as the program can see, and an address that is not there does nothing.
        if (Sse.IsSupported) Sse.Prefetch0((byte*)_address + offset);
    }

    private unsafe ref T At<T>(int offset) where T : unmanaged
    {
        if ((uint)offset + (uint)sizeof(T) > (uint)_length) ThrowOutside(offset);   // below 0: huge
        // SAFETY: within the range, as was just checked; see Bytes for the range itself.
        return ref *(T*)(_address + offset);
    }

    [DoesNotReturn]
    private void ThrowOutside(int offset) => throw new ArgumentOutOfRangeException(nameof(offset), offset, $"The ring's area has {_length} bytes.");
}

/// <summary>Where a ring's parts lie; <paramref name="InFlight"/> is what is kept beyond our death, if anything.</summary>
internal readonly record struct RingAreas(RingArea Descriptors, RingArea Driver, RingArea Device, RingArea? InFlight, Action Step);
