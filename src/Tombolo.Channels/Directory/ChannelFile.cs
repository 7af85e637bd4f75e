// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Channels;

/// <summary>An area in a file: how processes of one host meet without a server.</summary>
/// <remarks>
/// A file is opened, sized and removed under a lock on it (flock), which dies with its holder; and whoever has the lock checks that the path still leads to the file it locked. So nobody
/// ever sits in a file that others cannot find. The lock is held for those moments only. The last to leave removes the file if nothing is left in it; after deaths it stays, for
/// a successor. Files on a disk work as well, but belong in memory: /run, /dev/shm.
/// </remarks>
internal static class ChannelFile
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    /// <summary>Opens an area in a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="sizeBytes">How large to make it where it is smaller; 0: it must be there.</param>
    /// <param name="options">The area's settings.</param>
    /// <param name="mode">Permission bits of a file made here, before the umask.</param>
    /// <exception cref="ChannelException">It is not there, or holds something else, which is left as it is.</exception>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static ChannelArea Open(string path, long sizeBytes, ChannelAreaOptions options, uint mode)
    {
        using SafeFd fd = OpenLocked(path, create: sizeBytes > 0, mode)
            ?? throw new ChannelException(ChannelFault.NotFound, $"There is no channel at {path}; whoever makes it has to come first.");
        try
        {
            long size = SharedFile.SizeOf(fd);
            if (size > 0 && !MayHoldChannels(fd)) throw new ChannelException(ChannelFault.NotFound, $"The file {path} holds something else than channels; it was left as it is.");
            if (size < sizeBytes) SharedFile.Resize(fd, size = sizeBytes, path);
            if (size == 0) throw new ChannelException(ChannelFault.NotFound, $"The file {path} is empty: no channel.");
            string full = Path.GetFullPath(path);
            (ulong, ulong)? identity = SharedFile.IdentityOf(full);
            ChannelArea? area = null;
            area = ChannelArea.Open(Window.Map(fd), HostParty.Current, options, ownsWindow: true, () => RemoveIfOver(full, identity, area!));
            return area;
        }
        finally { SharedFile.Unlock(fd); }   // the mapping keeps the open file, and with it the lock, beyond the descriptor's end
    }

    private static bool MayHoldChannels(SafeFd fd)
    {
        using Window window = Window.Map(fd);
        _ = window.TryGuard();
        return ChannelArea.MayBeAt(window, 0);
    }

    private static SafeFd? OpenLocked(string path, bool create, uint mode)
    {
        long deadline = Environment.TickCount64 + (long)_patience.TotalMilliseconds;
        var wait = new SpinWait();
        while (true)
        {
            SafeFd? fd = TryOpen(path, create, mode);
            if (fd is null) return null;
            if (SharedFile.TryLock(fd) && SharedFile.IdentityOf(fd) is { } locked && locked == SharedFile.IdentityOf(path)) return fd;
            fd.Dispose();
            if (Environment.TickCount64 > deadline) throw new ChannelException(ChannelFault.Busy, $"The file {path} is locked by another process for more than {_patience.TotalSeconds} s.");
            wait.SpinOnce();
        }
    }

    private static SafeFd? TryOpen(string path, bool create, uint mode)
    {
        try { return SharedFile.Open(path, create: create, mode: mode); }
        catch (LinuxException exception) when (exception.Errno == Errno.NoEntry && !create) { return null; }
    }

    // Called after the own ends were closed. Of two that leave at once, the second to get the lock sees the other gone.
    private static void RemoveIfOver(string path, (ulong, ulong)? identity, ChannelArea area)
    {
        try
        {
            using SafeFd? fd = OpenLocked(path, create: false, 0);
            if (fd is not null && SharedFile.IdentityOf(path) == identity && area.IsOver()) File.Delete(path);
        }
        catch (LinuxException) { }                 // the folder is gone, or not ours any more: then there is nothing to tidy up
        catch (UnauthorizedAccessException) { }
        catch (ChannelException) { }
    }
}
