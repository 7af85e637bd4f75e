// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Channels.Tests;

/// <summary>Sleeps without a thread of the caller's, on a kernel that can sleep on many words at once, and on one that cannot.</summary>
public sealed class FutexSleepersTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task SleepAsync_EndsByAChange_ByAWakeUp_AndByTime(bool hasSets)
    {
        FutexSet.IsSupported.ShouldBeTrue("these tests run on Linux 5.16 or newer");
        using var ground = new TestGround(4096);
        SharedWord32 word = ground.Window.Word32(64);
        var sleepers = new FutexSleepers(hasSets);
        await sleepers.SleepAsync(word, 1, Timeout.InfiniteTimeSpan).AsTask().WaitAsync(Watchdog.Limit);   // it holds another value
        await sleepers.SleepAsync(word, 0, TimeSpan.FromMilliseconds(5)).AsTask().WaitAsync(Watchdog.Limit);
        Task[] sleeping = [.. Enumerable.Range(0, 10).Select(_ => sleepers.SleepAsync(word, 0, TimeSpan.FromHours(1)).AsTask())];
        sleeping.ShouldAllBe(sleep => !sleep.IsCompleted);
        word.WriteRelease(1);
        _ = Futex.Wake(ref word.Reference);
        await Task.WhenAll(sleeping).WaitAsync(Watchdog.Limit);
    }
}
