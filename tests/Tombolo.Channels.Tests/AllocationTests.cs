// SPDX-License-Identifier: MIT
namespace Tombolo.Channels.Tests;

/// <summary>No message of any kind costs memory of this process, whether or not somebody sleeps for it.</summary>
public sealed class AllocationTests
{
    private static readonly EndOptions _options = new() { Spin = TimeSpan.Zero };
    private readonly byte[] _buffer = new byte[256];

    [Fact]
    public void FanIn_AllocatesNothing() => Costs(ChannelKind.FanIn, (one, two) =>
    {
        RingProducer producer = one.OpenProducer("c", _options);
        FanInConsumer consumer = two.OpenFanIn("c", _options);
        return i =>
        {
            Require(producer.TryWrite(_buffer.AsSpan(0, i % 200)));
            Require(consumer.WaitForMessage(TimeSpan.FromSeconds(1)) == ChannelWait.Ready);
            Require(consumer.TryBorrow(out ReadOnlySpan<byte> _));
            consumer.Release();
            if (i % 1000 == 0) Require(consumer.WaitForMessage(TimeSpan.FromMilliseconds(1)) == ChannelWait.TimedOut);   // sleeps
        };
    });

    [Theory]
    [InlineData(SubscriberPolicy.Block)]
    [InlineData(SubscriberPolicy.DropOldest)]
    [InlineData(SubscriberPolicy.Disconnect)]
    public void Broadcast_AllocatesNothing(SubscriberPolicy policy) => Costs(ChannelKind.Broadcast, (one, two) =>
    {
        Publisher publisher = one.OpenPublisher("c", _options);
        Subscriber subscriber = two.OpenSubscriber("c", policy, options: _options);
        return i =>
        {
            Require(publisher.TryWrite(_buffer.AsSpan(0, i % 200)));
            Require(subscriber.WaitForMessage(TimeSpan.FromSeconds(1)) == ChannelWait.Ready);
            Require(subscriber.TryRead(_buffer, out int length) && length == i % 200);
            if (i % 1000 == 0) Require(subscriber.WaitForMessage(TimeSpan.FromMilliseconds(1)) == ChannelWait.TimedOut);
        };
    });

    [Fact]
    public void Request_AllocatesNothing() => Costs(ChannelKind.Request, (one, two) =>
    {
        RequestServer server = one.OpenServer("c", _options);
        RequestClient client = two.OpenClient("c", _options);
        return i =>
        {
            Require(client.Call(_buffer.AsSpan(0, i % 200), _buffer, out _, TimeSpan.Zero) == CallResult.TimedOut);   // the reply to the one before is thrown away meanwhile
            Require(server.TryTake(out Request request));
            Require(server.Reply(request, _buffer.AsSpan(0, i % 100)));
            if (i % 1000 == 0) Require(server.WaitForRequest(TimeSpan.FromMilliseconds(1)) == ChannelWait.TimedOut);
        };
    });

    [Fact]
    public void Stream_AllocatesNothing() => Costs(ChannelKind.Stream, (one, two) =>
    {
        ChannelStream listener = one.OpenListener("c", _options), caller = two.OpenCaller("c", _options);
        return i =>
        {
            caller.Write(_buffer.AsSpan(0, 1 + (i % 200)));
            listener.ReadExactly(_buffer.AsSpan(0, 1 + (i % 200)));
            ValueTask write = listener.WriteAsync(_buffer.AsMemory(0, 10));
            Require(write.IsCompletedSuccessfully);
            write.GetAwaiter().GetResult();
            ValueTask<int> read = caller.ReadAsync(_buffer.AsMemory(0, 10));
            Require(read.IsCompletedSuccessfully);
            Require(read.GetAwaiter().GetResult() == 10);
        };
    });

    // An assertion would cost memory itself.
    private static void Require(bool holds)
    {
        if (!holds) throw new InvalidOperationException("A message did not pass.");
    }

    private static void Costs(ChannelKind kind, Func<ChannelArea, ChannelArea, Action<int>> open)
    {
        using var ground = new TestGround();
        ChannelArea one = ground.Area(new TestParty()), two = ground.Area(new TestParty());
        one.Create("c", new() { Kind = kind, CapacityBytes = 1 << 14 });
        Action<int> pass = open(one, two);
        for (int i = 0; i < 5000; i++) pass(i);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 5000; i++) pass(i);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }
}
