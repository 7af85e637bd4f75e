// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Switching;

/// <summary>Bytes of our own that can stand where a guest's can.</summary>
internal sealed class PinnedBytes
{
    private readonly byte[] _bytes;
    private readonly nint _address;

    public unsafe PinnedBytes(int length)
    {
        _bytes = GC.AllocateUninitializedArray<byte>(length, pinned: true);
        // SAFETY: the array is pinned for its life, and whoever holds a GuestBuffer of it holds this object too.
        _address = (nint)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_bytes));
    }

    public int Length => _bytes.Length;

    public Span<byte> Bytes => _bytes;

    public GuestBuffer Part(int offset, int length) => new GuestBuffer(_address, _bytes.Length).Slice(offset, length);
}
