// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels.Tests;

/// <summary>Looking at what passes, without taking part.</summary>
public sealed class RingTapTests : IDisposable
{
    private readonly string _path = Path.Combine("/dev/shm", $"tombolo-tap-{Guid.NewGuid():N}");
    private readonly ChannelArea _area;
    private readonly RingProducer _producer;
    private readonly RingConsumer _consumer;

    public RingTapTests()
    {
        _area = Channel.OpenArea(_path, 1 << 20);
        _ = _area.Create("c", new() { CapacityBytes = 1024 });
        (_producer, _consumer) = (_area.OpenProducer("c"), _area.OpenConsumer("c"));
    }

    public void Dispose()
    {
        _area.Dispose();
        File.Delete(_path);
    }

    private Window Map()
    {
        using SafeFd file = SharedFile.Open(_path);
        return Window.Map(file);
    }

    [Fact]
    public void TryLook_MessagesThatLieThere_ShowsEachOnceAndTakesNone()
    {
        _producer.Write("one"u8);
        RingTap tap = _area.Tap("c");
        _producer.Write("two"u8);
        byte[] buffer = new byte[2];

        tap.TryLook(buffer, out int length).ShouldBeTrue();
        (length, buffer[0], buffer[1]).ShouldBe((3, (byte)'o', (byte)'n'));
        tap.TryLook(buffer, out _).ShouldBeTrue();
        tap.TryLook(buffer, out _).ShouldBeFalse();
        (tap.Seen, tap.Sent).ShouldBe((2UL, 2UL));
        _consumer.TryRead(out byte[]? first).ShouldBeTrue();
        first.ShouldBe("one"u8.ToArray());
    }

    [Fact]
    public void TryLook_TakenBefore_IsNotSeenButCounted()
    {
        RingTap tap = _area.Tap("c");
        _producer.Write("gone"u8);
        _consumer.TryRead(out byte[]? _).ShouldBeTrue();
        _producer.Write("here"u8);

        byte[] buffer = new byte[16];
        tap.TryLook(buffer, out int length).ShouldBeTrue();
        buffer.AsSpan(0, length).SequenceEqual("here"u8).ShouldBeTrue();
        (tap.Seen, tap.Sent).ShouldBe((1UL, 2UL));
    }

    [Theory]
    [InlineData(1023UL)]
    [InlineData(ulong.MaxValue)]
    public void TryLook_AtTheRingOfALiar_EndsWithTheTapAtTheWorst(ulong lie)
    {
        using Window window = Map();
        SharedWord64 tail = window.Word64(_area.Find("c")!.OffsetBytes + ChannelLayout.RingsOffset(1) + ChannelLayout.TailAt);
        RingTap before = _area.Tap("c");
        _producer.Write("one"u8);
        tail.WriteRelease(lie);
        foreach (RingTap tap in (RingTap[])[before, _area.Tap("c")])
            try { _ = tap.TryLook([], out _); }
            catch (ProtocolException) { }
    }

    [Fact]
    public void Tap_OfAStream_SaysThatItHasNoMessages()
    {
        _area.Create("s", new() { Kind = ChannelKind.Stream, CapacityBytes = 1024 }).ShouldBeTrue();
        using ChannelStream caller = _area.OpenCaller("s");
        caller.Write("abc"u8);
        Should.Throw<ChannelException>(() => _area.Tap("s")).Fault.ShouldBe(ChannelFault.WrongKind);
    }

    [Fact]
    public async Task TryLook_WhileBothEndsAreBusy_NeverShowsHalfOfAMessage()
    {
        const int Messages = 200_000;
        RingTap tap = _area.Tap("c");
        // Every byte of a message is the same, and so is its length's remainder: a mixture of two shows.
        Task writing = Task.Run(() =>
        {
            Span<byte> message = stackalloc byte[200];
            for (int i = 0; i < Messages; i++)
            {
                Span<byte> part = message[..(i % 199 + 1)];
                part.Fill((byte)(i % 199));
                _producer.Write(part);
            }
        });
        Task reading = Task.Run(() =>
        {
            for (int i = 0; i < Messages; i++)
            {
                while (!_consumer.TryBorrow(out _)) _ = _consumer.WaitForMessage(Timeout.InfiniteTimeSpan);
                _consumer.Release();
            }
        });
        byte[] buffer = new byte[256];
        while (!writing.IsCompleted)
        {
            if (!tap.TryLook(buffer, out int length)) continue;
            buffer.AsSpan(0, length).IndexOfAnyExcept((byte)(length - 1)).ShouldBe(-1);
        }
        await Task.WhenAll(writing, reading);
        tap.Sent.ShouldBe((ulong)Messages);
        tap.Seen.ShouldBeInRange(1UL, (ulong)Messages);
    }
}
