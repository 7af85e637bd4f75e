// SPDX-License-Identifier: MIT
using System.Diagnostics;
using Tombolo.Linux;

namespace Tombolo.Channels.Tests;

/// <summary>Whatever is asked of what was disposed, in any order and by any thread: an exception at the worst. The memory is gone by then, and one look at it would end the process.</summary>
public sealed class DisposedTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void End_OfAFileOfItsOwn_RefusesEverythingAfterwards()
    {
        RingProducer producer = Channel.Create(_folder["c"]);
        RingConsumer consumer = Channel.Open(_folder["c"]);
        producer.Write([1]);
        producer.Dispose();
        consumer.Dispose();
        Refuses(() => _ = producer.Consumer, () => producer.TryWrite([1]), () => producer.WaitForRoom(1, TimeSpan.Zero), () => producer.Publish());
        Refuses(() => _ = consumer.Producer, () => consumer.TryRead(out byte[]? _), () => consumer.WaitForMessage(TimeSpan.Zero), () => consumer.Release());
        producer.Dispose();
        consumer.Dispose();
    }

    [Fact]
    public void Area_RefusesEverythingAfterwards_AndSoDoWhatItGaveOut()
    {
        ChannelArea area = Channel.OpenArea(_folder["area"], 1 << 20);
        foreach (ChannelKind kind in Enum.GetValues<ChannelKind>()) area.Create($"{kind}", new() { Kind = kind, CapacityBytes = 4096 }).ShouldBeTrue();
        (Publisher publisher, Subscriber subscriber) = (area.OpenPublisher("Broadcast"), area.OpenSubscriber("Broadcast"));
        (RequestServer server, RequestClient client) = (area.OpenServer("Request"), area.OpenClient("Request"));
        (FanInConsumer fanIn, ChannelStream stream, RingTap tap) = (area.OpenFanIn("FanIn"), area.OpenListener("Stream"), area.Tap("Ring"));
        client.Call([1], [], out _, TimeSpan.Zero).ShouldBe(CallResult.TimedOut);
        server.TryTake(out Request _).ShouldBeTrue();
        area.Dispose();
        Refuses(() => area.List(), () => area.Find("Ring"), () => area.Remove("Ring"), () => area.OpenProducer("Ring"), () => area.Create("x"));
        Refuses(() => tap.TryLook([], out _), () => _ = tap.Sent);
        Refuses(() => _ = publisher.Subscribers, () => _ = subscriber.Publisher, () => subscriber.TryRead(out byte[]? _), () => publisher.TryWrite([1]));
        Refuses(() => _ = client.Server, () => client.Call([1], [], out _, TimeSpan.Zero), () => server.Refuse(default), () => server.TryTake(out _), () => server.WaitForRequest(TimeSpan.Zero));
        Refuses(() => _ = fanIn.Producer(0), () => fanIn.Release(), () => _ = stream.Peer, () => stream.ReadByte(), () => stream.Write([1]));
        area.Dispose();
    }

    [Fact]
    public void Dispose_WhileAnotherThreadPolls_LetsGoOfTheMemoryOnlyAfterIt()
    {
        var options = new EndOptions { Spin = TimeSpan.FromMilliseconds(100) };
        for (int time = 0; time < 20; time++)
        {
            RingConsumer consumer = Channel.CreateConsumer(_folder["c"], 4096, options);
            using var begins = new ManualResetEventSlim();
            Task wait = Task.Factory.StartNew(() =>
            {
                begins.Set();
                consumer.WaitForMessage(Timeout.InfiniteTimeSpan);
            }, TaskCreationOptions.LongRunning);
            begins.Wait();
            consumer.Dispose();
            _ = Should.Throw<ObjectDisposedException>(() => wait.WaitAsync(Watchdog.Limit));
        }
    }

    [Fact]
    public void Area_DisposedWhileAnotherThreadLooksAtIt_EndsTheLook()
    {
        for (int time = 0; time < 20; time++)
        {
            ChannelArea area = Channel.OpenArea(_folder["area"], 1 << 20);
            using var begins = new ManualResetEventSlim();
            Task looking = Task.Factory.StartNew(() =>
            {
                while (true)
                {
                    area.List();
                    begins.Set();
                }
            }, TaskCreationOptions.LongRunning);
            begins.Wait();
            area.Dispose();
            _ = Should.Throw<ObjectDisposedException>(() => looking.WaitAsync(Watchdog.Limit));
        }
    }

    /// <summary>The news of a death is under way on another thread: whoever ends the watch may let go of the memory, and the news must not come to it any more.</summary>
    [Fact]
    public void Watch_DisposedWhileItTells_EndsWhenItHasTold()
    {
        using Process process = Process.Start("sleep", "1000");
        using ManualResetEventSlim telling = new(), mayEnd = new();
        bool hasTold = false, toldBefore = false;
        IDisposable watch = HostParty.Current.Watch(HostParty.IdOf(process.Id)!.Value, () =>
        {
            telling.Set();
            mayEnd.Wait();
            Volatile.Write(ref hasTold, true);
        })!;
        LinuxProcess.TrySignal(process.Id, Signal.Kill).ShouldBeTrue();
        telling.Wait(Watchdog.Limit).ShouldBeTrue();
        var ending = new Thread(() =>
        {
            watch.Dispose();
            toldBefore = Volatile.Read(ref hasTold);
        })
        { IsBackground = true };
        ending.Start();
        Watchdog.Until(() => (ending.ThreadState & (System.Threading.ThreadState.WaitSleepJoin | System.Threading.ThreadState.Stopped)) != 0, "the watch has ended, or waits for the news");
        mayEnd.Set();
        ending.Join(Watchdog.Limit).ShouldBeTrue();
        toldBefore.ShouldBeTrue();
    }

    private static void Refuses(params Action[] actions)
    {
        for (int at = 0; at < actions.Length; at++) _ = Should.Throw<ObjectDisposedException>(actions[at], $"action {at}");
    }
}
