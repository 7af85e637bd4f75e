// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Linux;

/// <summary>What can no longer be done to a sealed memfd. Source: fcntl(2), F_ADD_SEALS.</summary>
[Flags]
public enum Seals
{
    /// <summary>Nothing is sealed.</summary>
    None = 0,
    /// <summary>No more seals can be added.</summary>
    Seal = 1,
    /// <summary>It cannot be made smaller: nobody can pull memory away under a mapping (which would raise SIGBUS there).</summary>
    Shrink = 2,
    /// <summary>It cannot be made larger.</summary>
    Grow = 4,
    /// <summary>It cannot be written.</summary>
    Write = 8,
    /// <summary>It cannot be mapped writable or written any more; mappings that are writable already stay so (since Linux 5.1).</summary>
    FutureWrite = 16,
}

/// <summary>Anonymous shared memory that is passed on by descriptor. Source: memfd_create(2).</summary>
public static partial class Memfd
{
    private const uint CloseOnExec = 1, AllowSealing = 2, HugePages = 4;                             // linux/memfd.h
    private const int AddSeals = 1033, GetSeals = 1034;                                               // linux/fcntl.h
    private const int HugeShift = 26;                                                                 // MFD_HUGE_SHIFT

    /// <summary>Creates anonymous shared memory, zero-filled.</summary>
    /// <param name="name">Shown under <c>/proc/PID/fd</c>; at most 249 bytes, need not be unique.</param>
    /// <param name="sizeBytes">Size in bytes; a multiple of the page size.</param>
    /// <param name="hugePageBytes">0 for ordinary pages, or the size of a huge page that the system has (2 MiB, 1 GiB); the size must be a multiple of it.</param>
    /// <returns>A descriptor the caller owns and disposes.</returns>
    /// <exception cref="ArgumentOutOfRangeException">No size that a huge page can have, or no multiple of it.</exception>
    /// <exception cref="LinuxException">EMFILE, ENFILE, EINVAL; ENODEV: the system has no huge pages of that size; ENOMEM: too few of them are free. Nothing is left open.</exception>
    /// <remarks>Thread-safe. Source: memfd_create(2), ftruncate(2). Huge pages are taken from the system's pool at once, so that touching them cannot fail later.</remarks>
    public static SafeFd Create(string name, long sizeBytes, long hugePageBytes = 0)
    {
        uint flags = CloseOnExec | AllowSealing;
        if (hugePageBytes != 0)
        {
            if (hugePageBytes < 0 || !long.IsPow2(hugePageBytes))
                throw new ArgumentOutOfRangeException(nameof(hugePageBytes), hugePageBytes, "The size of a huge page is a power of two.");
            if (sizeBytes <= 0 || sizeBytes % hugePageBytes != 0)
                throw new ArgumentOutOfRangeException(nameof(sizeBytes), sizeBytes, $"The size is a multiple of the huge page's, {hugePageBytes} bytes.");
            flags |= HugePages | ((uint)long.Log2(hugePageBytes) << HugeShift);
        }
        var fd = new SafeFd(LinuxException.ThrowIfFailed(memfd_create(name, flags), "memfd_create", name));
        try
        {
            _ = LinuxException.ThrowIfFailed(ftruncate(fd, sizeBytes), "ftruncate", $"{name} to {sizeBytes} bytes");
            if (hugePageBytes != 0) Reserve(fd, name, sizeBytes, hugePageBytes);
            return fd;
        }
        catch
        {
            fd.Dispose();
            throw;
        }
    }

    // The first shared mapping takes the pages out of the pool for this file, for as long as the file lives (kernel: admin-guide/mm/hugetlbpage).
    // Without it, the process that touches a page which is not there is ended by SIGBUS.
    private static void Reserve(SafeFd fd, string name, long sizeBytes, long hugePageBytes)
    {
        try { MemoryMapping.Map(fd, sizeBytes).Dispose(); }
        catch (LinuxException exception) when (exception.Errno == Errno.NoMemory)
        {
            string pool = $"/sys/kernel/mm/hugepages/hugepages-{hugePageBytes >> 10}kB/nr_hugepages";
            throw new LinuxException("mmap", $"{name}, which needs {sizeBytes / hugePageBytes} free huge pages of {hugePageBytes} bytes (raise {pool})", exception.Errno);
        }
    }

    /// <summary>Adds seals; they can never be taken off again.</summary>
    /// <param name="fd">A memfd, borrowed.</param>
    /// <param name="seals">What to forbid from now on.</param>
    /// <exception cref="LinuxException">EPERM: sealed against more seals; EBUSY: a writable mapping exists and <see cref="Seals.Write"/> was asked for; EINVAL: no memfd.</exception>
    public static void Add(SafeFd fd, Seals seals) =>
        _ = LinuxException.ThrowIfFailed(fcntl(fd, AddSeals, (int)seals), "fcntl(F_ADD_SEALS)", seals.ToString());

    /// <summary>Says which seals a memfd has.</summary>
    /// <param name="fd">A memfd, borrowed.</param>
    /// <exception cref="LinuxException">EINVAL: no memfd.</exception>
    public static Seals SealsOf(SafeFd fd) =>
        (Seals)LinuxException.ThrowIfFailed(fcntl(fd, GetSeals, 0), "fcntl(F_GET_SEALS)", $"descriptor {fd.Number}");

    /// <summary>Whether an object has all of these seals. One that cannot be sealed has none.</summary>
    /// <param name="fd">Any file, borrowed.</param>
    /// <param name="seals">Which.</param>
    public static bool IsSealed(SafeFd fd, Seals seals) => fcntl(fd, GetSeals, 0) is >= 0 and var found && ((Seals)found & seals) == seals;

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)] private static partial int memfd_create(string name, uint flags);
    [LibraryImport("libc", SetLastError = true)] private static partial int ftruncate(SafeFd fd, long length);
    [LibraryImport("libc", SetLastError = true)] private static partial int fcntl(SafeFd fd, int command, int argument);
}
