// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Tombolo.Linux;

namespace Tombolo.TestPeers;

/// <summary>Waits that end a hang. The limit is never a measure of speed.</summary>
public static class Watchdog
{
    /// <summary>After this a wait counts as a hang.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Waits until a descriptor can be read or written.</summary>
    /// <returns>False where the time ran out.</returns>
    public static bool Wait(SafeFd fd, EpollEvents events, TimeSpan timeout)
    {
        using var epoll = new Epoll();
        epoll.Add(fd, events, 0);
        Span<EpollReport> reports = stackalloc EpollReport[1];
        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            TimeSpan left = timeout - Stopwatch.GetElapsedTime(start);
            if (epoll.Wait(reports, left > TimeSpan.Zero ? left : TimeSpan.Zero) > 0) return true;
            if (left <= TimeSpan.Zero) return false;   // else a signal came in between
        }
    }

    /// <summary>Waits for a ring on an eventfd and takes it.</summary>
    /// <exception cref="TimeoutException">Nobody rang.</exception>
    public static ulong TakeRing(SafeFd eventFd)
    {
        if (!Wait(eventFd, EpollEvents.Readable, Limit) || !EventFd.TryRead(eventFd, out ulong count))
            throw new TimeoutException($"Nobody rang within {Limit.TotalSeconds} s.");
        return count;
    }

    /// <summary>Waits until something holds that no descriptor tells of, looking every millisecond.</summary>
    /// <exception cref="TimeoutException">It never held.</exception>
    public static void Until(Func<bool> condition, string what)
    {
        long start = Stopwatch.GetTimestamp();
        using var never = new ManualResetEventSlim();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(start) > Limit) throw new TimeoutException($"Not within {Limit.TotalSeconds} s: {what}.");
            _ = never.Wait(1);
        }
    }

    /// <summary>Awaits a task, and fails where it hangs.</summary>
    public static async Task<T> Watched<T>(this Task<T> task) => await task.WaitAsync(Limit);

    /// <inheritdoc cref="Watched{T}(Task{T})"/>
    public static async Task Watched(this Task task) => await task.WaitAsync(Limit);
}
