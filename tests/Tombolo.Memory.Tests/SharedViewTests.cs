// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Linux;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Memory.Tests;

public sealed class SharedViewTests : IDisposable
{
    private readonly Window _window;

    public SharedViewTests()
    {
        using SafeFd memory = Memfd.Create("view", 4096);
        _window = Window.Map(memory);
    }

    public void Dispose() => _window.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Words_NotAligned_AreRefused(int offset)
    {
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.ReadAcquire32(offset));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.WriteRelease32(offset, 1));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.ReadAcquire64(offset));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.WriteRelease64(offset, 1));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.ReadAcquire64(offset + 4 - (offset % 4)));   // 4 alone is not enough
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.CompareExchange32(offset, 1, 0));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.CompareExchange64(offset, 1, 0));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.Exchange32(offset, 1));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.Word32(offset));
        if (offset % 2 == 0) return;
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.ReadAcquire16(offset));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.WriteRelease16(offset, 1));
    }

    [Theory]
    [InlineData(-8)]
    [InlineData(64)]
    [InlineData(1 << 30)]
    [InlineData(int.MinValue)]
    public void Accesses_OutsideTheView_AreRefusedAlthoughTheWindowIsLarger(int offset)
    {
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.ReadAcquire16(offset));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.ReadAcquire32(offset));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.ReadAcquire64(offset));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.WriteRelease16(offset, 1));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.WriteRelease32(offset, 1));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.WriteRelease64(offset, 1));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.Exchange32(offset, 1));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.CopyOut(offset, new byte[1]));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.CopyIn(offset, new byte[1]));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.Clear(offset, 1));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => _ = View.Slice(offset, 1).LengthBytes);
    }

    [Fact]
    public void Accesses_LastWord_FitAndOneLongerDoesNot()
    {
        View.WriteRelease64(56, 1);
        View.ReadAcquire64(56).ShouldBe(1ul);
        View.CopyOut(0, new byte[64]);
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.CopyOut(0, new byte[65]));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.CopyIn(1, new byte[64]));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => View.Clear(0, -1));
    }

    [Fact]
    public void Exchanges_TellWhatWasThere()
    {
        View.WriteRelease32(8, 5);
        View.CompareExchange32(8, 9, expected: 4).ShouldBe(5u);
        View.ReadAcquire32(8).ShouldBe(5u);
        View.CompareExchange32(8, 9, expected: 5).ShouldBe(5u);
        View.Exchange32(8, 1).ShouldBe(9u);
        View.WriteRelease64(16, ulong.MaxValue);
        View.CompareExchange64(16, 3, ulong.MaxValue).ShouldBe(ulong.MaxValue);
        View.ReadAcquire64(16).ShouldBe(3ul);
        View.WriteRelease16(24, 0xBEEF);
        View.ReadAcquire16(24).ShouldBe((ushort)0xBEEF);
        View.ReadAcquire32(24).ShouldBe(0xBEEFu);
    }

    [Fact]
    public void CopyInSliceClear_TouchOnlyTheirPart()
    {
        _window.View(0, 128).CopyIn(0, Enumerable.Repeat((byte)0xFF, 128).ToArray());
        SharedView part = _window.View(0, 128).Slice(32, 64);
        part.Clear(0, 64);
        byte[] all = new byte[128];
        _window.View(0, 128).CopyOut(0, all);
        all[31].ShouldBe(byte.MaxValue);
        all[32..96].ShouldAllBe(value => value == 0);
        all[96].ShouldBe(byte.MaxValue);
    }

    [Fact]
    public void PublishedWord_SeenByAnotherThread_ShowsWhatWasWrittenBefore()
    {
        // Release and acquire: whoever sees the number sees the bytes that belong to it.
        const int Rounds = 200_000;
        Watchdog.Run(() =>
        {
            var writer = new Thread(() =>
            {
                SharedView view = _window.View(0, 4096);
                for (uint round = 1; round <= Rounds; round++)
                {
                    while (view.ReadAcquire32(64) != 0) _ = Thread.Yield();
                    view.CopyIn(128, BitConverter.GetBytes(round * 3));
                    view.WriteRelease32(64, round);
                }
            });
            writer.Start();
            SharedView mine = _window.View(0, 4096);
            byte[] copy = new byte[4];
            for (uint round = 1; round <= Rounds; round++)
            {
                uint seen;
                while ((seen = mine.ReadAcquire32(64)) == 0) _ = Thread.Yield();
                mine.CopyOut(128, copy);
                seen.ShouldBe(round);
                BitConverter.ToUInt32(copy).ShouldBe(round * 3);
                mine.WriteRelease32(64, 0);
            }
            writer.Join();
        });
    }

    private SharedView View => _window.View(0, 64);
}
