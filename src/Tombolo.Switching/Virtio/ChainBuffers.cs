// SPDX-License-Identifier: MIT
using System.Runtime.CompilerServices;

namespace Tombolo.Switching;

/// <summary>Where taken chains put what their descriptors point to. Made once, used again for each frame.</summary>
/// <remarks>Not thread-safe: each data thread has its own.</remarks>
public sealed class ChainBuffers
{
    /// <summary>The most pieces that the chains of one frame may have. QEMU's own limit for a chain is 1024, a Linux guest uses at most 19.</summary>
    public const int MaxPieces = 1024;

    /// <summary>How many pieces of chains taken before may be in here when one more is taken: it has room for <see cref="MaxPieces"/> all the same.</summary>
    internal const int SparePieces = 64;

    private readonly GuestBuffer[] _readable = new GuestBuffer[MaxPieces + SparePieces], _writable = new GuestBuffer[MaxPieces + SparePieces];
    private int _readableCount, _writableCount;

    /// <summary>What the driver gives, in order.</summary>
    public ReadOnlySpan<GuestBuffer> Readable => _readable.AsSpan(0, _readableCount);

    /// <summary>Where the driver takes, in order.</summary>
    public ReadOnlySpan<GuestBuffer> Writable => _writable.AsSpan(0, _writableCount);

    /// <summary>Forgets everything.</summary>
    public void Clear() => _readableCount = _writableCount = 0;

    internal int ReadableCount => _readableCount;

    internal int WritableCount => _writableCount;

    internal bool TryAdd(GuestBuffer buffer, bool isWritable)
    {
        ref int count = ref isWritable ? ref _writableCount : ref _readableCount;
        GuestBuffer[] list = isWritable ? _writable : _readable;
        if ((uint)count >= (uint)list.Length) return false;
        list[count++] = buffer;
        return true;
    }

    /// <summary>As above; the caller has checked that the bytes are there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryAdd(nint address, int length, bool isWritable)
    {
        ref int count = ref isWritable ? ref _writableCount : ref _readableCount;
        GuestBuffer[] list = isWritable ? _writable : _readable;
        int at = count;
        if ((uint)at >= (uint)list.Length) return false;
        list[at] = new(address, length);
        count = at + 1;
        return true;
    }

    internal void CutTo(int readable, int writable) => (_readableCount, _writableCount) = (readable, writable);
}
