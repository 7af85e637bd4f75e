// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Memory;

/// <summary>Memory that several parties map. Any of them may write any byte at any moment.</summary>
/// <remarks>
/// It owns its mapping. Views do not keep it alive: dispose a window only after every loop that uses its views has ended.
/// Thread-safe but for <see cref="Dispose"/>. Shared layouts are little-endian, so a big-endian host is refused.
/// </remarks>
public sealed class Window : IDisposable
{
    private readonly MemoryMapping _mapping;
    private readonly Lock _lock = new();   // guards the guard
    private GuardedRange? _guard;

    private Window(MemoryMapping mapping, bool canShrink) => (_mapping, CanShrink) = (mapping, canShrink);

    /// <summary>Length in bytes.</summary>
    public long LengthBytes => _mapping.LengthBytes;

    /// <summary>Whether this party may write it.</summary>
    public bool IsWritable => _mapping.IsWritable;

    /// <summary>
    /// Whether somebody who holds the object could cut it short when it was mapped; whoever touches what is gone is ended by SIGBUS, unless the window
    /// is guarded. False for a memfd that is sealed against it, and for devices, which may be unplugged instead. True for files, which cannot be sealed.
    /// </summary>
    public bool CanShrink { get; }

    /// <summary>Whether memory of a guarded window was gone when it was touched. What is read there since is this process's own, and empty.</summary>
    public bool IsLost => Volatile.Read(ref _guard)?.IsLost ?? false;

    /// <summary>Maps a memfd, shared memory object or file.</summary>
    /// <param name="fd">Borrowed; not needed afterwards.</param>
    /// <param name="lengthBytes">How much to map; null for all of it. More than the file holds is refused.</param>
    /// <param name="writable">Whether this party may write.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is not within the file.</exception>
    /// <exception cref="LinuxException">The kernel refused the mapping.</exception>
    public static Window Map(SafeFd fd, long? lengthBytes = null, bool writable = true)
    {
        RefuseBigEndian();
        long size = SharedFile.SizeOf(fd);
        long length = lengthBytes ?? size;
        if (length <= 0 || length > size)
            throw new ArgumentOutOfRangeException(nameof(lengthBytes), length, $"A window of {length} bytes cannot be mapped from an object of {size} bytes.");
        return new(MemoryMapping.Map(fd, length, writable: writable), canShrink: !Memfd.IsSealed(fd, Seals.Shrink));
    }

    /// <summary>Maps a device's memory. Unlike a file, a device cannot be asked for its length.</summary>
    /// <param name="fd">The device, borrowed; not needed afterwards.</param>
    /// <param name="lengthBytes">Length in bytes, as the device's driver says; more than 0.</param>
    /// <param name="offsetBytes">Where it starts in what the device offers; a multiple of the page size.</param>
    /// <param name="writable">Whether this party may write.</param>
    /// <exception cref="LinuxException">The driver refused the mapping.</exception>
    /// <remarks>Where the device goes away, touching the memory raises SIGBUS, which ends the process unless the window is guarded.</remarks>
    public static Window MapDevice(SafeFd fd, long lengthBytes, long offsetBytes = 0, bool writable = true)
    {
        RefuseBigEndian();
        return new(MemoryMapping.Map(fd, lengthBytes, offsetBytes, writable), canShrink: false);
    }

    /// <summary>From now on, whoever in this process touches memory of the window that is gone reads zeros, instead of being ended by SIGBUS; see <see cref="IsLost"/>.</summary>
    /// <returns>False where there is no such guard for this processor, or too many windows are guarded.</returns>
    /// <exception cref="LinuxException">The kernel refused the handler.</exception>
    public bool TryGuard()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_mapping.IsClosed, this);
            if (_guard is null) Volatile.Write(ref _guard, BusErrorGuard.TryGuard(_mapping, Environment.SystemPageSize));
            return _guard is not null;
        }
    }

    /// <summary>Maps pieces of a memory next to each other, so that they are one window.</summary>
    /// <param name="fd">The memory, borrowed; not needed afterwards.</param>
    /// <param name="pieceBytes">How long each piece is: a multiple of the page size.</param>
    /// <param name="offsets">Where each begins in the memory, which the caller knows to be that long.</param>
    /// <param name="writable">Whether this party may write.</param>
    /// <exception cref="LinuxException">The kernel refused the mapping.</exception>
    public static Window MapPieces(SafeFd fd, long pieceBytes, ReadOnlySpan<long> offsets, bool writable = true)
    {
        RefuseBigEndian();
        return new(MemoryMapping.MapPieces(fd, pieceBytes, offsets, writable), canShrink: !Memfd.IsSealed(fd, Seals.Shrink));
    }

    /// <summary>A checked view of a part of the window.</summary>
    /// <param name="offsetBytes">Where it starts.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <exception cref="ArgumentOutOfRangeException">The part is not within the window.</exception>
    /// <exception cref="ObjectDisposedException">The window is unmapped already.</exception>
    // SAFETY: At checks that the range lies within the mapping, which stays until Dispose.
    public unsafe SharedView View(long offsetBytes, int lengthBytes) => new(new Span<byte>(At(offsetBytes, lengthBytes, 1), lengthBytes));

    /// <summary>A run of bytes that can be kept in a field.</summary>
    /// <param name="offsetBytes">Where it starts; a multiple of 8.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not within the window, or not aligned.</exception>
    /// <exception cref="ObjectDisposedException">The window is unmapped already.</exception>
    // SAFETY: as View; the block says that it must not outlive the window.
    public unsafe SharedBlock Block(long offsetBytes, int lengthBytes) => new(At(offsetBytes, lengthBytes, sizeof(ulong)), lengthBytes);

    /// <summary>One word that can be kept in a field.</summary>
    /// <param name="offsetBytes">A multiple of 4.</param>
    /// <inheritdoc cref="Block" path="/exception"/>
    // SAFETY: as Block.
    public unsafe SharedWord32 Word32(long offsetBytes) => new((uint*)At(offsetBytes, sizeof(uint), sizeof(uint)));

    /// <summary>One word that can be kept in a field.</summary>
    /// <param name="offsetBytes">A multiple of 8.</param>
    /// <inheritdoc cref="Block" path="/exception"/>
    // SAFETY: as Block.
    public unsafe SharedWord64 Word64(long offsetBytes) => new((ulong*)At(offsetBytes, sizeof(ulong), sizeof(ulong)));

    /// <summary>The bytes themselves, for memory that no other party writes: what a server keeps for its successor.</summary>
    /// <param name="offsetBytes">Where the part starts.</param>
    /// <param name="lengthBytes">How long it is.</param>
    /// <inheritdoc cref="View" path="/exception"/>
    // SAFETY: the range is checked to lie within the mapping, which stays until Dispose.
    public unsafe Span<byte> Own(long offsetBytes, int lengthBytes) => new(At(offsetBytes, lengthBytes, 1), lengthBytes);

    /// <summary>Unmaps the memory.</summary>
    public void Dispose()
    {
        lock (_lock) _guard?.Dispose();
        _mapping.Dispose();
    }

    private unsafe byte* At(long offsetBytes, int lengthBytes, int alignment)
    {
        ObjectDisposedException.ThrowIf(_mapping.IsClosed, this);
        if (offsetBytes < 0 || lengthBytes < 0 || offsetBytes > LengthBytes - lengthBytes)
            throw new ArgumentOutOfRangeException(nameof(offsetBytes), offsetBytes, $"{lengthBytes} bytes at offset {offsetBytes} are not within a window of {LengthBytes} bytes.");
        if (offsetBytes % alignment != 0)
            throw new ArgumentOutOfRangeException(nameof(offsetBytes), offsetBytes, $"Offset {offsetBytes} is no multiple of {alignment}.");
        // SAFETY: the range was just checked to lie within the mapping, which begins on a page.
        return (byte*)_mapping.Address + offsetBytes;
    }

    private static void RefuseBigEndian()
    {
        if (!BitConverter.IsLittleEndian) throw new PlatformNotSupportedException("Shared layouts are little-endian; this host is big-endian.");
    }
}
