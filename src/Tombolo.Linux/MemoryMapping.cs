// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>A shared mapping of a descriptor's memory; unmapped exactly once.</summary>
/// <remarks>
/// The bytes may change at any moment by another party's hand. Checked views stand in Tombolo.Memory; this type only owns the address range.
/// Thread-safe. Source: mmap(2).
/// </remarks>
public sealed partial class MemoryMapping : SafeHandle
{
    private const int ProtectRead = 1, ProtectWrite = 2, MapShared = 1, MapFixed = 0x10, MapPopulate = 0x8000;   // bits/mman.h
    private readonly nuint _length;

    private MemoryMapping(nint address, long lengthBytes, bool isWritable) : base(-1, ownsHandle: true)
    {
        SetHandle(address);
        _length = (nuint)lengthBytes;
        LengthBytes = lengthBytes;
        IsWritable = isWritable;
    }

    /// <summary>Length in bytes.</summary>
    public long LengthBytes { get; }

    /// <summary>Whether it may be written.</summary>
    public bool IsWritable { get; }

    /// <summary>The first byte's address; valid while this object is not disposed.</summary>
    public nint Address => handle;

    /// <inheritdoc/>
    public override bool IsInvalid => handle == -1;

    /// <summary>Maps a descriptor's memory, shared with every other party that maps it.</summary>
    /// <param name="fd">A memfd, file, or device; borrowed, and not needed afterwards.</param>
    /// <param name="lengthBytes">Length in bytes, more than 0. It must not exceed the file: touching what lies beyond raises SIGBUS, which ends the process.</param>
    /// <param name="offsetBytes">Where to start in the file; a multiple of the page size.</param>
    /// <param name="writable">Whether it may be written.</param>
    /// <param name="populate">Touch every page now (MAP_POPULATE).</param>
    /// <exception cref="LinuxException">EACCES: opened for reading only; EPERM: sealed against writing; ENODEV: cannot be mapped; EINVAL; ENOMEM.</exception>
    public static MemoryMapping Map(SafeFd fd, long lengthBytes, long offsetBytes = 0, bool writable = true, bool populate = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(lengthBytes);
        int protection = ProtectRead | (writable ? ProtectWrite : 0);
        nint address = mmap(0, (nuint)lengthBytes, protection, MapShared | (populate ? MapPopulate : 0), fd, offsetBytes);
        return address == -1 ? throw LinuxException.Last("mmap", $"{lengthBytes} bytes of descriptor {fd.Number}") : new(address, lengthBytes, writable);
    }

    /// <summary>Maps pieces of a descriptor's memory next to each other, in any order.</summary>
    /// <param name="fd">As for <see cref="Map"/>.</param>
    /// <param name="pieceBytes">How long each piece is: a multiple of the page size.</param>
    /// <param name="offsets">Where each begins; multiples of the page size.</param>
    /// <param name="writable">Whether it may be written.</param>
    /// <exception cref="LinuxException">As for <see cref="Map"/>. Nothing is left mapped.</exception>
    public static MemoryMapping MapPieces(SafeFd fd, long pieceBytes, ReadOnlySpan<long> offsets, bool writable = true)
    {
        ArgumentOutOfRangeException.ThrowIfZero(offsets.Length, nameof(offsets));
        MemoryMapping all = Map(fd, pieceBytes * offsets.Length, offsets[0], writable);   // reserves the addresses; what it shows beyond the first piece is replaced
        for (int at = 1; at < offsets.Length; at++)
        {
            nint place = all.Address + (nint)(at * pieceBytes);
            if (mmap(place, (nuint)pieceBytes, ProtectRead | (writable ? ProtectWrite : 0), MapShared | MapFixed, fd, offsets[at]) == place) continue;
            LinuxException refused = LinuxException.Last("mmap", $"piece {at} of {offsets.Length} of descriptor {fd.Number}");
            all.Dispose();
            throw refused;
        }
        return all;
    }

    /// <inheritdoc/>
    protected override bool ReleaseHandle() => munmap(handle, _length) == 0;

    [LibraryImport("libc", SetLastError = true)] private static partial nint mmap(nint hint, nuint length, int protection, int flags, SafeFd fd, long offset);
    [LibraryImport("libc")] private static partial int munmap(nint address, nuint length);
}
