// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>A server's shared memory, and what has to be removed when it stops.</summary>
internal sealed class MemoryClaim : IDisposable
{
    private readonly SafeFd? _lock;

    private MemoryClaim(SafeFd fd, string? path, SafeFd? held) => (Descriptor, Path, _lock) = (fd, path, held);

    /// <summary>The memory; owned.</summary>
    public SafeFd Descriptor { get; }

    /// <summary>Its name in the file system, or null.</summary>
    public string? Path { get; }

    /// <summary>Makes the memory that the options ask for; an object that a dead server left is replaced, one that a living server holds is refused.</summary>
    /// <exception cref="IvshmemException">A living server holds the object.</exception>
    /// <exception cref="LinuxException">The kernel refused: no space, no rights, no such folder.</exception>
    public static MemoryClaim Create(DoorbellServerOptions options)
    {
        switch (options.Backing)
        {
            case MemoryBacking.Posix:
                return CreateNamed(SharedFile.PosixPath(options.MemoryName), options.SizeBytes);
            case MemoryBacking.Folder:
                string path = System.IO.Path.Combine(options.MemoryName, $"ivshmem.{Guid.NewGuid():N}");
                SafeFd file = SharedFile.Open(path, options.SizeBytes, create: true, mustBeNew: true);
                File.Delete(path);   // nameless from now on: nothing can be left behind
                return new(file, null, null);
            default:
                SafeFd memory = Memfd.Create(options.MemoryName, options.SizeBytes);
                SharedFile.SetMode(memory, UnixFileMode.UserRead | UnixFileMode.UserWrite);   // a memfd is born 0777: whoever holds it read-only could open it again for writing
                Memfd.Add(memory, Seals.Shrink | Seals.Grow | Seals.Seal);
                return new(memory, null, null);
        }
    }

    /// <summary>Takes over the memory that a dead server's keeper holds.</summary>
    public static MemoryClaim Adopt(SafeFd fd, DoorbellServerOptions options)
    {
        if (options.Backing != MemoryBacking.Posix) return new(fd, null, null);
        string path = SharedFile.PosixPath(options.MemoryName);
        return new(fd, path, TryHold(path));
    }

    /// <summary>Removes the name, and closes the descriptors. Clients keep the memory.</summary>
    public void Dispose()
    {
        if (Path is not null) File.Delete(Path);
        _lock?.Dispose();
        Descriptor.Dispose();
    }

    private static MemoryClaim CreateNamed(string path, long sizeBytes)
    {
        if (File.Exists(path))
        {
            using SafeFd? stale = TryHold(path) ?? throw new IvshmemException($"Another living server holds the shared memory object '{path}'; stop it, or choose another name.");
            File.Delete(path);
        }
        SafeFd fd = SharedFile.Open(path, sizeBytes, create: true, mustBeNew: true);
        return new(fd, path, TryHold(path));
    }

    // A lock of its own open file: the one that clients get would live on in them.
    private static SafeFd? TryHold(string path)
    {
        SafeFd fd = SharedFile.Open(path);
        if (SharedFile.TryLock(fd)) return fd;
        fd.Dispose();
        return null;
    }
}
