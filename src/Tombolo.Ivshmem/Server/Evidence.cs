// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>Finds out whether a descriptor reached a client, by looking for it among those that the client has open.</summary>
/// <remarks>
/// Needed for one message at the most, and only when a server was killed between sending it and writing that down. A kill that comes during a system call takes effect at its end,
/// so "sent" is by far the likelier answer, and is assumed wherever the client cannot be looked at (another user, another PID namespace, a socket that was handed on).
/// </remarks>
internal static class Evidence
{
    /// <summary>Whether a client has an eventfd.</summary>
    /// <param name="processId">The client.</param>
    /// <param name="wanted">The kernel's number of the eventfd in question.</param>
    /// <param name="memory">The shared memory, which it was sent before any eventfd.</param>
    /// <param name="known">Other eventfds that it surely was sent: a process that has none of all these is not the one that listens, and nothing can be concluded.</param>
    /// <returns>False only where it can be seen that it has not.</returns>
    public static bool HasEventFd(int processId, int wanted, SafeFd memory, IEnumerable<SafeFd> known)
    {
        HashSet<int>? open = EventFdsOf(processId);
        if (open is null || open.Contains(wanted)) return true;
        bool isTheClient = known.Any(fd => IdentityOf(fd) is { } one && open.Contains(one)) || HasMemory(processId, memory);
        return !isTheClient;
    }

    /// <summary>Whether a client has the shared memory open.</summary>
    /// <returns>False only where it can be seen that it has not.</returns>
    public static bool HasMemory(int processId, SafeFd memory)
    {
        if (SharedFile.IdentityOf(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{memory.Number}")) is not { } wanted) return true;
        string[]? files = List(processId, "fd");
        return files is null || files.Any(file => SharedFile.IdentityOf(file) == wanted);
    }

    private static HashSet<int>? EventFdsOf(int processId)
    {
        string[]? files = List(processId, "fdinfo");
        return files?.Select(EventFd.IdentityOf).OfType<int>().ToHashSet();
    }

    /// <summary>The kernel's number of an eventfd of ours.</summary>
    public static int? IdentityOf(SafeFd fd) => EventFd.IdentityOf(string.Create(CultureInfo.InvariantCulture, $"/proc/self/fdinfo/{fd.Number}"));

    private static string[]? List(int processId, string folder)
    {
        if (processId <= 0) return null;
        try { return Directory.GetFiles(string.Create(CultureInfo.InvariantCulture, $"/proc/{processId}/{folder}")); }
        catch (IOException) { return null; }
        catch (UnauthorizedAccessException) { return null; }
    }
}
