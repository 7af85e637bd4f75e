// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace Tombolo.Linux;

/// <summary>A lock on a file that says "one process at a time" and dies with its owner; the file holds the owner's process id as text.</summary>
/// <remarks>Source: flock(2). The lock, not the file, is the truth: a file left behind by a dead process locks nobody out. It is close-on-exec, so children do not keep it.</remarks>
public sealed partial class FileLock : IDisposable
{
    private readonly SafeFd _fd;
    private readonly string _path;

    private FileLock(SafeFd fd, string path) => (_fd, _path) = (fd, path);

    /// <summary>Takes the lock and writes this process's id into the file.</summary>
    /// <param name="path">The lock file; made where it does not exist.</param>
    /// <param name="ownerProcessId">Where the lock is held by another: what its file says, or 0 where it says nothing sensible.</param>
    /// <returns>The lock, owned by the caller, or null where another process holds it.</returns>
    /// <exception cref="LinuxException">The file cannot be opened or made.</exception>
    public static FileLock? TryTake(string path, out int ownerProcessId)
    {
        while (true)
        {
            SafeFd fd = SharedFile.Open(path, create: true, mode: 0x1A4 /* 0644 */);
            bool isTaken;
            try { isTaken = SharedFile.TryLock(fd); }
            catch
            {
                fd.Dispose();
                throw;
            }
            if (isTaken)
            {
                if (!IsStillAt(fd, path)) { fd.Dispose(); continue; }   // its last owner removed the file between open and lock
                byte[] text = Encoding.ASCII.GetBytes($"{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}\n");
                _ = LinuxException.ThrowIfFailed(ftruncate(fd, 0), "ftruncate", path);
                _ = LinuxException.ThrowIfFailed((long)pwrite(fd, ref text[0], text.Length, 0), "pwrite", path);
                ownerProcessId = Environment.ProcessId;
                return new(fd, path);
            }
            fd.Dispose();
            ownerProcessId = ReadOwner(path);
            return null;
        }
    }

    /// <summary>Removes the file and gives the lock back.</summary>
    public void Dispose()
    {
        if (_fd.IsClosed) return;
        File.Delete(_path);
        _fd.Dispose();
    }

    private static bool IsStillAt(SafeFd fd, string path)
    {
        try
        {
            string? target = File.ResolveLinkTarget($"/proc/self/fd/{fd.Number}", returnFinalTarget: false)?.FullName;
            return target == Path.GetFullPath(path);   // a removed file's link ends in " (deleted)"
        }
        catch (IOException) { return false; }
    }

    private static int ReadOwner(string path)
    {
        try
        {
            // Not through a stream: the runtime's files take a shared lock of their own, which the owner's refuses.
            using SafeFd fd = SharedFile.Open(path, readOnly: true);
            Span<byte> text = stackalloc byte[16];
            int length = (int)Math.Max(0, pread(fd, ref text[0], text.Length, 0));
            return int.TryParse(Encoding.ASCII.GetString(text[..length]).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) ? pid : 0;
        }
        catch (LinuxException) { return 0; }   // it gave the lock back in the meantime
    }

    [LibraryImport("libc", SetLastError = true)] private static partial int ftruncate(SafeFd fd, long length);
    [LibraryImport("libc", SetLastError = true)] private static partial nint pread(SafeFd fd, ref byte bytes, nint count, long offset);
    [LibraryImport("libc", SetLastError = true)] private static partial nint pwrite(SafeFd fd, ref byte bytes, nint count, long offset);
}
