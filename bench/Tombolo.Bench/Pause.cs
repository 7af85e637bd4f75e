// SPDX-License-Identifier: MIT
using System.Diagnostics;

namespace Tombolo.Bench;

/// <summary>Time that passes while others work.</summary>
internal static class Pause
{
    public static void For(TimeSpan time)
    {
        long start = Stopwatch.GetTimestamp();
        using var never = new ManualResetEventSlim();
        while (Stopwatch.GetElapsedTime(start) < time) _ = never.Wait(time - Stopwatch.GetElapsedTime(start) is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero);
    }

    /// <summary>Waits for something, at most so long.</summary>
    public static bool Until(Func<bool> isSo, TimeSpan most)
    {
        long start = Stopwatch.GetTimestamp();
        while (!isSo())
        {
            if (Stopwatch.GetElapsedTime(start) > most) return false;
            For(TimeSpan.FromMilliseconds(20));
        }
        return true;
    }
}
