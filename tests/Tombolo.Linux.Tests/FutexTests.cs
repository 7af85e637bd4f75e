// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>Sleeping on words in shared memory. Source: futex(2).</summary>
public sealed unsafe class FutexTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly SafeFd _fd;
    private readonly MemoryMapping _one;
    private readonly MemoryMapping _two;

    public FutexTests()
    {
        _fd = SharedFile.Open(_folder["words"], 4096, create: true);
        _one = MemoryMapping.Map(_fd, 4096);
        _two = MemoryMapping.Map(_fd, 4096);
    }

    // SAFETY: each mapping is a page long and lives as long as the test.
    private ref uint WordOfOne => ref *(uint*)_one.Address;

    private ref uint WordOfTwo => ref *(uint*)_two.Address;

    public void Dispose()
    {
        _one.Dispose();
        _two.Dispose();
        _fd.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Wait_ThroughAReadOnlyMapping_IsWokenThroughAWritableOne()
    {
        using MemoryMapping readOnly = MemoryMapping.Map(_fd, 4096, writable: false);
        nint address = readOnly.Address;
        var sleeper = new Thread(() => Futex.Wait(ref *(uint*)address, 0, Watchdog.Limit));
        sleeper.Start();
        Watchdog.Until(() => Futex.Wake(ref WordOfTwo) == 1, "the sleeper sleeps");
        sleeper.Join();
    }

    [Fact]
    public void WakeEven_WhoSleepsOnAnOddWord_IsWoken_AndTheWordIsEven()
    {
        bool isOver = false;
        var sleeper = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                Volatile.Write(ref WordOfOne, 0x8000_0005);
                _ = Futex.Wait(ref WordOfOne, 0x8000_0005, Watchdog.Limit);
            }
        });
        sleeper.Start();
        Watchdog.Until(() => Futex.WakeEven(ref WordOfTwo) == 1, "the sleeper slept, and is woken");
        Volatile.Write(ref isOver, true);
        Watchdog.Until(() => Futex.WakeEven(ref WordOfTwo) >= 0 && !sleeper.IsAlive, "the sleeper is over");
        Futex.WakeEven(ref WordOfTwo).ShouldBe(0);
        WordOfOne.ShouldBe(0x8000_0004);
    }

    [Fact]
    public void Wait_OtherValue_ReturnsAtOnce() =>
        Watchdog.Run(() => Futex.Wait(ref WordOfOne, 1, Timeout.InfiniteTimeSpan).ShouldBe(FutexWake.ValueDiffers));

    [Fact]
    public void Wait_NobodyWakes_TimesOutAndNotBefore()
    {
        long start = Environment.TickCount64;
        Futex.Wait(ref WordOfOne, 0, TimeSpan.FromMilliseconds(40)).ShouldBe(FutexWake.TimedOut);
        (Environment.TickCount64 - start).ShouldBeGreaterThanOrEqualTo(30);   // less the clock's grain
    }

    [Fact]
    public void Wake_ThroughAnotherMapping_WakesTheSleeper()
    {
        FutexWake? why = null;
        var sleeper = new Thread(() => why = Futex.Wait(ref WordOfOne, 0, Watchdog.Limit));
        sleeper.Start();
        Watchdog.Until(() => Futex.Wake(ref WordOfTwo) == 1, "the sleeper sleeps");
        sleeper.Join();
        why.ShouldBe(FutexWake.Woken);
    }

    [Fact]
    public void Wake_MostOne_WakesOneOfTwo()
    {
        int woken = 0;
        Thread[] sleepers = [.. Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            if (Futex.Wait(ref WordOfOne, 0, Watchdog.Limit) == FutexWake.Woken) _ = Interlocked.Increment(ref woken);
        }))];
        foreach (Thread sleeper in sleepers) sleeper.Start();
        Watchdog.Until(() => Futex.Wake(ref WordOfTwo, most: 1) == 1, "a sleeper sleeps");
        Watchdog.Until(() => Volatile.Read(ref woken) == 1, "one is awake");
        Watchdog.Until(() => Futex.Wake(ref WordOfTwo, most: 1) == 1, "the other sleeper sleeps");
        foreach (Thread sleeper in sleepers) sleeper.Join();
        woken.ShouldBe(2);
    }

    [Fact]
    public void Wake_AnotherProcess_WakesTheSleeperThere()
    {
        WordOfOne = 7;
        using Child child = Child.Of<FutexTests>("futex", _folder["words"]);
        child.ReadLine().ShouldBe("about to sleep");
        Watchdog.Until(() => Futex.Wake(ref WordOfOne) == 1, "the other process sleeps");
        child.ReadLine().ShouldBe("Woken");
    }

    [Fact]
    public void Wake_NobodySleeps_WakesNone() => Futex.Wake(ref WordOfOne).ShouldBe(0);

    [Fact]
    public void Wait_WordNotMapped_SaysSo()
    {
        nint gone = _two.Address;
        _two.Dispose();
        // SAFETY: the address is only handed to the kernel, which answers EFAULT; nothing is mapped there in between.
        Should.Throw<LinuxException>(() => Futex.Wait(ref *(uint*)gone, 0, TimeSpan.Zero)).Errno.ShouldBe(14 /* EFAULT */);
    }
}
