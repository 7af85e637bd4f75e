// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Channels.Tests;

public sealed class ChannelFileTests
{
    [Fact]
    public async Task File_TwoEnds_MeetAndLeaveNothing()
    {
        using var folder = new TemporaryFolder();
        await using (RingProducer producer = Channel.Create(folder["ticks"]))
        await using (RingConsumer consumer = Channel.Open(folder["ticks"]))
        {
            producer.Write("tick"u8);
            consumer.TryRead(out byte[]? message).ShouldBeTrue();
            message.ShouldBe("tick"u8.ToArray());
        }
        Directory.GetFileSystemEntries(folder.FullPath).ShouldBeEmpty();
    }

    [Fact]
    public void File_ProducerGoneBeforeAnybodyCame_KeepsItsMessages()
    {
        using var folder = new TemporaryFolder();
        using (RingProducer producer = Channel.Create(folder["ticks"])) producer.Write("tick"u8);
        using (RingConsumer consumer = Channel.Open(folder["ticks"]))
            consumer.ReadAll().ToArray().ShouldHaveSingleItem().ShouldBe("tick"u8.ToArray());
        Directory.GetFileSystemEntries(folder.FullPath).ShouldBeEmpty();
    }

    [Fact]
    public void Open_NoSuchFile_SaysWhoComesFirst()
    {
        using var folder = new TemporaryFolder();
        Should.Throw<ChannelException>(() => Channel.Open(folder["ticks"])).Fault.ShouldBe(ChannelFault.NotFound);
        File.WriteAllBytes(folder["empty"], []);
        Should.Throw<ChannelException>(() => Channel.Open(folder["empty"])).Fault.ShouldBe(ChannelFault.NotFound);
    }

    [Fact]
    public void Create_OtherShape_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using RingProducer producer = Channel.Create(folder["ticks"], 4096);
        Should.Throw<ChannelException>(() => Channel.CreateConsumer(folder["ticks"], 8192)).Fault.ShouldBe(ChannelFault.NameTaken);
        using RingConsumer consumer = Channel.CreateConsumer(folder["ticks"], 4096);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-4096)]
    [InlineData(1000)]
    public void Create_ImpossibleCapacity_IsTheCallersFault_AndLeavesNothing(int capacity)
    {
        using var folder = new TemporaryFolder();
        _ = Should.Throw<ArgumentException>(() => Channel.Create(folder["c"], capacity));
        _ = Should.Throw<ArgumentException>(() => Channel.CreateConsumer(folder["c"], capacity));
        _ = Should.Throw<ArgumentException>(() => Channel.OpenArea(folder["c"], sizeBytes: 4096));
        _ = Should.Throw<ArgumentException>(() => Channel.OpenArea(folder["c"], sizeBytes: -1));
        Directory.GetFileSystemEntries(folder.FullPath).ShouldBeEmpty();
    }

    /// <summary>Somebody's data: a letter, a long one, and a disk whose first kilobyte is empty.</summary>
    [Theory]
    [InlineData(11, 0)]
    [InlineData(1 << 20, 0)]
    [InlineData(1 << 20, 1024)]
    [InlineData(11, 0, 8192)]
    public void Open_FileOfSomethingElse_IsLeftAsItIs(int length, int emptyBytes, int emptyBehind = 0)
    {
        using var folder = new TemporaryFolder();
        byte[] before = [.. new byte[emptyBytes], .. Enumerable.Repeat((byte)'x', length - emptyBytes), .. new byte[emptyBehind]];
        File.WriteAllBytes(folder["data"], before);
        Action[] ways = [() => Channel.Create(folder["data"]), () => Channel.Open(folder["data"]), () => Channel.OpenArea(folder["data"], 1 << 24)];
        foreach (Action way in ways) Should.Throw<ChannelException>(way).Message.ShouldBe($"The file {folder["data"]} holds something else than channels; it was left as it is.");
        File.ReadAllBytes(folder["data"]).ShouldBe(before);
    }

    [Fact]
    public void Create_FileWhoseMakerDiedBeforeItWasReady_IsMadeAnew()
    {
        using var folder = new TemporaryFolder();
        byte[] half = new byte[8192];
        half[AreaLayout.LengthAt] = 1;          // of the header, only its end
        half[AreaLayout.LockAt] = 0xFF;         // and its lock
        File.WriteAllBytes(folder["c"], half);
        using RingProducer producer = Channel.Create(folder["c"], 4096);
        producer.TryWrite([1]).ShouldBeTrue();
    }

    [Fact]
    public void OpenArea_ManyChannels_LiveInOneFile()
    {
        using var folder = new TemporaryFolder();
        using ChannelArea area = Channel.OpenArea(folder["area"], 1 << 20);
        using ChannelArea again = Channel.OpenArea(folder["area"]);
        area.Create("one", new() { CapacityBytes = 4096 });
        again.List().ShouldHaveSingleItem().Name.ShouldBe("one");
    }

    /// <summary>Somebody cuts the file short under both ends (SIGBUS): their sessions end, and this process goes on.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task File_CutShort_EndsTheSessionsAndNothingElse(bool hasThread)
    {
        BusErrorGuard.IsSupported.ShouldBeTrue("these tests run on x86-64");
        using var folder = new TemporaryFolder();
        var options = new EndOptions { Spin = TimeSpan.Zero, CheckInterval = TimeSpan.FromMilliseconds(20) };
        using RingProducer producer = Channel.Create(folder["c"], options: options);
        using RingConsumer consumer = Channel.Open(folder["c"], options);
        Task<ChannelWait> wait = hasThread
            ? Task.Factory.StartNew(() => consumer.WaitForMessage(Timeout.InfiniteTimeSpan), TaskCreationOptions.LongRunning)
            : consumer.WaitForMessageAsync(Timeout.InfiniteTimeSpan).AsTask();
        Watchdog.Until(() => consumer.Sleeps > 0, "the consumer sleeps");
        SharedFile.Open(folder["c"], sizeBytes: 0).Dispose();
        (await Should.ThrowAsync<ChannelException>(() => wait.WaitAsync(Watchdog.Limit))).Fault.ShouldBe(ChannelFault.GroundGone);
        byte[] message = new byte[1000];
        while (producer.TryWrite(message)) { }   // into pages of our own, until they are full
        Should.Throw<ChannelException>(() => producer.WaitForRoom(message.Length, TimeSpan.FromSeconds(1))).Fault.ShouldBe(ChannelFault.GroundGone);
    }
}
