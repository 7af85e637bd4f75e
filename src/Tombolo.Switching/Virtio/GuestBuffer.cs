// SPDX-License-Identifier: MIT
using System.Runtime.Intrinsics.X86;

namespace Tombolo.Switching;

/// <summary>A run of bytes in guest memory that lies within one mapped region. Only <see cref="GuestMemory"/> makes one, after it has checked the address.</summary>
/// <remarks>The guest may change the bytes at any moment. Valid until the region is unmapped, which its owner does only after every ring that may use it has been stopped.</remarks>
public readonly struct GuestBuffer
{
    private const int Line = 64;   // bytes of a line of the cache
    private readonly nint _address;

    internal GuestBuffer(nint address, int length) => (_address, Length) = (address, length);

    /// <summary>Length in bytes.</summary>
    public int Length { get; }

    internal nint Address => _address;

    /// <summary>The bytes. Copy what is to be judged, and judge the copy.</summary>
    public unsafe Span<byte> Bytes =>
        // SAFETY: made by GuestMemory within a mapped region, which outlives every use (see the remarks).
        new((void*)_address, Length);

    /// <summary>Has the processor bring the first bytes into its cache, where it can be asked to.</summary>
    internal unsafe void Prefetch()
    {
        // SAFETY: a prefetch reads nothing as far as the program can see, and an address that is not there does nothing.
        if (!Sse.IsSupported) return;
        Sse.Prefetch0((void*)_address);
        if (Length > Line) Sse.Prefetch0((void*)(_address + Line));   // an offload header often ends where a line does
    }

    /// <summary>A part of it.</summary>
    /// <param name="offset">Where it starts.</param>
    /// <param name="length">How long it is.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not within.</exception>
    public GuestBuffer Slice(int offset, int length)
    {
        if ((uint)offset > (uint)Length || (uint)length > (uint)(Length - offset))
            throw new ArgumentOutOfRangeException(nameof(offset), offset, $"{length} bytes at {offset} are not within {Length} bytes.");
        return new(_address + offset, length);
    }
}
