// SPDX-License-Identifier: MIT
using System.Runtime.ExceptionServices;

namespace Tombolo.Testing;

/// <summary>Ends a hang. It is no measure of speed: the limit is far beyond what a loaded machine needs.</summary>
public static class Watchdog
{
    /// <summary>How long anything in a test may take before it counts as a hang.</summary>
    public static TimeSpan Limit { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Runs something that may hang, on a thread of its own.</summary>
    /// <param name="action">What to run; its exception is passed on.</param>
    /// <exception cref="TimeoutException">It hangs. Its thread is left behind.</exception>
    public static void Run(Action action)
    {
        ExceptionDispatchInfo? fault = null;
        var thread = new Thread(() =>
        {
            try { action(); }
            catch (Exception exception) { fault = ExceptionDispatchInfo.Capture(exception); }
        })
        { IsBackground = true };
        thread.Start();
        if (!thread.Join(Limit)) throw new TimeoutException($"A test hangs: it has not ended after {Limit.TotalSeconds:0} s.");
        fault?.Throw();
    }

    /// <summary>Looks at a condition again and again until it holds. For what the kernel or another process does in its own time and tells nobody.</summary>
    /// <param name="condition">What must become true.</param>
    /// <param name="what">Said when it never does.</param>
    /// <exception cref="TimeoutException">It never held.</exception>
    public static void Until(Func<bool> condition, string what)
    {
        long deadline = Environment.TickCount64 + (long)Limit.TotalMilliseconds;
        while (!condition())
        {
            if (Environment.TickCount64 > deadline) throw new TimeoutException($"A test hangs: after {Limit.TotalSeconds:0} s it is still not so that {what}.");
            _ = Thread.Yield();
        }
    }
}
