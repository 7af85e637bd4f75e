// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;

namespace Tombolo.Switching;

/// <summary>The region in which an address was found last: the next one is in it, nearly always. Empty at first. Valid as long as the <see cref="GuestMemory"/> that it is of.</summary>
internal readonly struct MemoryWindow(ulong guest, ulong sizeBytes, nint start)
{
    private readonly ulong _guest = guest, _sizeBytes = sizeBytes;
    private readonly nint _start = start;

    /// <summary>Translates an address if all of its bytes, at least one and at most <see cref="int.MaxValue"/>, lie in the region.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTranslate(ulong address, uint length, out nint at)
    {
        ulong offset = address - _guest;   // below the region: wraps around to something huge
        at = _start + (nint)offset;
        return offset < _sizeBytes && length <= _sizeBytes - offset && length - 1 < int.MaxValue;   // a length of 0 wraps around too
    }
}
