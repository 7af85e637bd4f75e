// SPDX-License-Identifier: MIT
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels.Tests;

public sealed class RingTests
{
    private const int Capacity = 1024;

    [Fact]
    public void Message_WrittenInPlace_IsReadInPlace()
    {
        using var ground = new TestGround();
        (RingWriter writer, RingReader reader) = Pair(ground);
        writer.TryReserve(11, out Span<byte> room).ShouldBeTrue();
        "hello world"u8.CopyTo(room);
        reader.TryBorrow(out _).ShouldBeFalse();
        writer.Commit(5);
        reader.TryBorrow(out ReadOnlySpan<byte> message).ShouldBeTrue();
        message.SequenceEqual("hello"u8).ShouldBeTrue();
        writer.HasReaderReached(16).ShouldBeFalse();
        reader.Release();
        writer.HasReaderReached(16).ShouldBeTrue();
        (writer.Messages, reader.Messages).ShouldBe((1UL, 1UL));
    }

    [Fact]
    public void Batch_BeforeItIsPublished_IsNotThere()
    {
        using var ground = new TestGround();
        (RingWriter writer, RingReader reader) = Pair(ground);
        for (byte i = 0; i < 3; i++) Put(writer, [i], publish: false);
        reader.HasMessage().ShouldBeFalse();
        writer.Publish();
        for (byte i = 0; i < 3; i++)
        {
            reader.TryBorrow(out ReadOnlySpan<byte> message).ShouldBeTrue();
            message[0].ShouldBe(i);
        }
        reader.Borrowed.ShouldBe(3);
        reader.Release();
        reader.Messages.ShouldBe(3UL);
    }

    [Fact]
    public void Message_OfEveryLength_GoesThroughAndAround()
    {
        using var ground = new TestGround();
        (RingWriter writer, RingReader reader) = Pair(ground);
        byte[] bytes = new byte[writer.MaxMessage];
        new Random(1).NextBytes(bytes);
        for (int length = 0; length <= writer.MaxMessage; length++)
        {
            Span<byte> room;
            while (!writer.TryReserve(length, out room)) reader.TryBorrow(out _).ShouldBeFalse();   // a pad is in the way: the reader steps over it
            bytes.AsSpan(0, length).CopyTo(room);
            writer.Commit(length);
            reader.TryBorrow(out ReadOnlySpan<byte> message).ShouldBeTrue();
            message.SequenceEqual(bytes.AsSpan(0, length)).ShouldBeTrue();
            reader.Release();
        }
    }

    [Fact]
    public void Reservation_RingFull_IsRefusedUntilReleased()
    {
        using var ground = new TestGround();
        (RingWriter writer, RingReader reader) = Pair(ground);
        for (int i = 0; i < Capacity / 64; i++) Put(writer, new byte[56]);
        writer.TryReserve(0, out _).ShouldBeFalse();
        writer.HasReaderReached(writer.WantedTail).ShouldBeFalse();
        reader.TryBorrow(out _).ShouldBeTrue();
        writer.TryReserve(0, out _).ShouldBeFalse();
        reader.Release();
        writer.HasReaderReached(writer.WantedTail).ShouldBeTrue();
        writer.TryReserve(56, out _).ShouldBeTrue();
    }

    [Fact]
    public void Reservation_OutOfRange_IsTheCallersFault()
    {
        using var ground = new TestGround();
        (RingWriter writer, _) = Pair(ground);
        _ = Should.Throw<ArgumentOutOfRangeException>(() => writer.TryReserve(writer.MaxMessage + 1, out _));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => writer.TryReserve(-1, out _));
        _ = Should.Throw<InvalidOperationException>(() => writer.Commit(0));
        writer.TryReserve(4, out _).ShouldBeTrue();
        _ = Should.Throw<ArgumentOutOfRangeException>(() => writer.Commit(5));
        writer.Commit(4);
        _ = Should.Throw<InvalidOperationException>(() => writer.Commit(0));
        _ = Should.Throw<ArgumentOutOfRangeException>(() => new RingWriter(ground.Window, 0, 1000));
    }

    [Fact]
    public void Writer_DiedBeforeCommit_SuccessorGoesOnBehindWhatWasCommitted()
    {
        using var ground = new TestGround();
        (RingWriter first, RingReader reader) = Pair(ground);
        Put(first, [1]);
        first.TryReserve(100, out Span<byte> half).ShouldBeTrue();
        half.Fill(9);
        var second = new RingWriter(ground.Window, 0, Capacity);
        Put(second, [2]);
        Take(reader).ShouldBe([1]);
        Take(reader).ShouldBe([2]);
        second.Messages.ShouldBe(2UL);
    }

    [Fact]
    public void Reader_DiedWithABorrowedMessage_SuccessorGetsItAgain()
    {
        using var ground = new TestGround();
        (RingWriter writer, RingReader first) = Pair(ground);
        Put(writer, [1]);
        Put(writer, [2]);
        Take(first).ShouldBe([1]);
        first.TryBorrow(out _).ShouldBeTrue();
        Take(new RingReader(ground.Window, 0, Capacity)).ShouldBe([2]);
    }

    [Theory]
    [InlineData(ChannelLayout.HeadAt, 4UL)]                // not aligned
    [InlineData(ChannelLayout.HeadAt, Capacity + 24UL)]    // more than the ring holds
    [InlineData(ChannelLayout.HeadAt, 0UL)]                // backwards
    [InlineData(ChannelLayout.HeadAt, ulong.MaxValue - 7)]
    [InlineData(ChannelLayout.RingHeaderBytes + 16, 0UL)]                             // no kind
    [InlineData(ChannelLayout.RingHeaderBytes + 16, 0x1_0000_0009UL)]                 // longer than was published
    [InlineData(ChannelLayout.RingHeaderBytes + 16, 0x1_FFFF_FFFFUL)]                 // far longer
    [InlineData(ChannelLayout.RingHeaderBytes + 16, 0x1_7FFF_FFF8UL)]
    [InlineData(ChannelLayout.RingHeaderBytes + 16, 0x2_0000_0008UL)]                 // a pad that does not end at the ring's end
    [InlineData(ChannelLayout.RingHeaderBytes + 16, 0x101_0000_0008UL)]               // a reserved bit
    public void Reader_LyingWriter_EndsTheSessionForGood(int at, ulong lie)
    {
        using var ground = new TestGround();
        (RingWriter writer, RingReader reader) = Pair(ground);
        Put(writer, new byte[8]);
        Take(reader).Length.ShouldBe(8);
        Put(writer, new byte[8]);
        SharedWord64 word = ground.Window.Word64(at);
        ulong truth = word.ReadAcquire();
        word.WriteRelease(lie);
        Should.Throw<ProtocolException>(() => reader.TryBorrow(out _)).Fault.ShouldBe(WireFault.ValueOutOfRange);
        word.WriteRelease(truth);
        _ = Should.Throw<ProtocolException>(() => reader.TryBorrow(out _));
        _ = Should.Throw<ProtocolException>(() => reader.HasMessage());
    }

    [Theory]
    [InlineData(4UL)]
    [InlineData(Capacity * 2UL)]
    [InlineData(ulong.MaxValue - 7)]
    public void Writer_LyingReader_EndsTheSessionForGood(ulong lie)
    {
        using var ground = new TestGround();
        (RingWriter writer, _) = Pair(ground);
        for (int i = 0; i < Capacity / 64; i++) Put(writer, new byte[56]);
        ground.Window.Word64(ChannelLayout.TailAt).WriteRelease(lie);
        _ = Should.Throw<ProtocolException>(() => writer.TryReserve(8, out _));
        ground.Window.Word64(ChannelLayout.TailAt).WriteRelease(0);
        _ = Should.Throw<ProtocolException>(() => writer.TryReserve(8, out _));
    }

    [Fact]
    public void Ring_DamagedCursors_IsRefused()
    {
        using var ground = new TestGround();
        ground.Window.Word64(ChannelLayout.HeadAt).WriteRelease(Capacity + 8);
        _ = Should.Throw<ProtocolException>(() => new RingWriter(ground.Window, 0, Capacity));
        _ = Should.Throw<ProtocolException>(() => new RingReader(ground.Window, 0, Capacity));
    }

    private static (RingWriter Writer, RingReader Reader) Pair(TestGround ground) =>
        (new(ground.Window, 0, Capacity), new(ground.Map(), 0, Capacity));

    private static void Put(RingWriter writer, byte[] message, bool publish = true)
    {
        writer.TryReserve(message.Length, out Span<byte> room).ShouldBeTrue();
        message.CopyTo(room);
        writer.Commit(message.Length, publish);
    }

    private static byte[] Take(RingReader reader)
    {
        reader.TryBorrow(out ReadOnlySpan<byte> message).ShouldBeTrue();
        byte[] copy = message.ToArray();
        reader.Release();
        return copy;
    }
}
