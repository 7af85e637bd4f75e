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
    public static FileLock? TryTake(string path, out int ownerProcessId) => TryTake(path, out ownerProcessId, static () => { });

    /// <summary>As above, with a hook between open and lock. For tests: what happens there cannot be arranged otherwise.</summary>
    internal static FileLock? TryTake(string path, out int ownerProcessId, Action opened)
    {
        while (true)
        {
            SafeFd fd = SharedFile.Open(path, create: true, mode: 0x1A4 /* 0644 */);
            bool isKept = false;
            try
            {
                opened();
                if (!SharedFile.TryLock(fd))
                {
                    ownerProcessId = ReadOwner(fd);
                    return null;
                }
                if (!IsStillAt(fd, path)) continue;   // its last owner removed the file between open and lock
                WriteOwner(fd, path);
                ownerProcessId = Environment.ProcessId;
                isKept = true;
                return new(fd, path);
            }
            finally
            {
                if (!isKept) fd.Dispose();
            }
        }
    }

    /// <summary>Who holds a lock, without touching it: nobody who wants it in this moment is kept from it.</summary>
    /// <param name="path">The lock file.</param>
    /// <returns>The holder's process id; 0 where nobody holds it, or there is no such file.</returns>
    /// <remarks>Source: proc(5), /proc/locks: "1: FLOCK ADVISORY WRITE pid major:minor:inode start end". Only the inode is compared: some file systems show another device there than stat does.</remarks>
    public static int OwnerOf(string path)
    {
        if (SharedFile.IdentityOf(path) is not { } file) return 0;
        string inode = $":{file.Inode.ToString(CultureInfo.InvariantCulture)}";
        foreach (string line in File.ReadLines("/proc/locks"))
            if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, "FLOCK", _, "WRITE", var process, var where, ..] && where.EndsWith(inode, StringComparison.Ordinal)
                && int.TryParse(process, NumberStyles.None, CultureInfo.InvariantCulture, out int processId) && OwnerSaysSo(path, processId)) return processId;
        return 0;
    }

    /// <summary>Removes the file and gives the lock back.</summary>
    public void Dispose()
    {
        if (_fd.IsClosed) return;
        try { File.Delete(_path); }
        catch (IOException) { }                      // the folder is gone, or not ours any more: the lock ends all the same
        catch (UnauthorizedAccessException) { }
        _fd.Dispose();
    }

    // Another file system's file may have the same inode: the file itself must name the process too.
    private static bool OwnerSaysSo(string path, int processId)
    {
        try
        {
            using SafeFd fd = SharedFile.Open(path, readOnly: true);
            return ReadOwner(fd) == processId;
        }
        catch (LinuxException) { return false; }   // it was given back in this moment
    }

    // By device and inode, not by path: the same file may be reached through links.
    private static bool IsStillAt(SafeFd fd, string path) =>
        SharedFile.IdentityOf(fd) is { } locked && locked == SharedFile.IdentityOf(path);

    private static void WriteOwner(SafeFd fd, string path)
    {
        byte[] text = Encoding.ASCII.GetBytes($"{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}\n");
        _ = LinuxException.ThrowIfFailed(ftruncate(fd, 0), "ftruncate", path);
        _ = LinuxException.ThrowIfFailed((long)pwrite(fd, ref text[0], text.Length, 0), "pwrite", path);
    }

    // Not through FileStream, which takes a lock of its own and fails on the owner's.
    private static int ReadOwner(SafeFd fd)
    {
        byte[] text = new byte[16];
        int length = (int)Math.Max(0, pread(fd, ref text[0], text.Length, 0));
        return int.TryParse(Encoding.ASCII.GetString(text, 0, length).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int pid) ? pid : 0;
    }

    [LibraryImport("libc", SetLastError = true)] private static partial int ftruncate(SafeFd fd, long length);
    [LibraryImport("libc", SetLastError = true)] private static partial nint pwrite(SafeFd fd, ref byte bytes, nint count, long offset);
    [LibraryImport("libc", SetLastError = true)] private static partial nint pread(SafeFd fd, ref byte bytes, nint count, long offset);
}
