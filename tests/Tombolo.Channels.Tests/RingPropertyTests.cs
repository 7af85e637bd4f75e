// SPDX-License-Identifier: MIT
using FsCheck;
using FsCheck.Fluent;
using Tombolo.Memory;
using Tombolo.Wire;

namespace Tombolo.Channels.Tests;

/// <summary>A ring against the simplest model there is, a queue; and against memory that changes at random.</summary>
public sealed class RingPropertyTests
{
    private const int Capacity = 512;

    /// <summary>One thing to do. 0: write a message; 1: write one as part of a batch; 2: publish; 3: borrow; 4: release; 5: both sides die and are succeeded.</summary>
    private readonly record struct Doing(int What, int Length);

    private static readonly Gen<Doing> _doing =
        from what in Gen.Frequency((4, Gen.Constant(0)), (3, Gen.Constant(1)), (1, Gen.Constant(2)), (5, Gen.Constant(3)), (3, Gen.Constant(4)), (1, Gen.Constant(5)))
        from length in Gen.Frequency((6, Gen.Choose(0, 40)), (2, Gen.Choose(0, Capacity / 2)), (1, Gen.Choose(0, Capacity - 8)))
        select new Doing(what, length);

    [Fact]
    public void AnyHistory_IsThatOfAQueue() =>
        Prop.ForAll(_doing.ListOf().ToArbitrary(), static history =>
        {
            using var ground = new TestGround(4096);
            new Model(ground).Run(history);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void AnyHistory_WithAnyLiesInTheMemory_EndsASessionAtTheWorst() =>
        Prop.ForAll((from history in _doing.ListOf() from seed in Gen.Choose(0, int.MaxValue) select (history, seed)).ToArbitrary(), static given =>
        {
            using var ground = new TestGround(4096);
            var random = new Random(given.seed);
            RingWriter writer = new(ground.Window, 0, Capacity);
            RingReader reader = new(ground.Map(), 0, Capacity);
            byte[] guard = [.. Enumerable.Repeat((byte)0x5A, 1024)];
            ground.Window.View(ChannelLayout.RingHeaderBytes + Capacity, guard.Length).CopyIn(0, guard);
            foreach (Doing doing in given.history)
            {
                if (random.Next(3) == 0) Lie(ground.Window, random);
                try { Act(writer, reader, doing); }
                catch (ProtocolException) { break; }   // the one thing that may come of it
            }
            byte[] after = new byte[guard.Length];
            ground.Window.View(ChannelLayout.RingHeaderBytes + Capacity, after.Length).CopyOut(0, after);
            after.ShouldBe(guard);   // nothing was written outside
        }).QuickCheckThrowOnFailure();

    private static void Lie(Window window, Random random)
    {
        ulong[] values = [0, 4, 8, Capacity, Capacity + 8, ulong.MaxValue, 1UL << 32, 2UL << 32 | 16, 1UL << 32 | uint.MaxValue, (ulong)random.NextInt64(), (ulong)random.Next(0, 2 * Capacity)];
        int at = random.Next(3) == 0 ? (random.Next(2) == 0 ? ChannelLayout.HeadAt : ChannelLayout.TailAt) : ChannelLayout.RingHeaderBytes + (8 * random.Next(Capacity / 8));
        window.Word64(at).WriteRelease(values[random.Next(values.Length)]);
    }

    private static void Act(RingWriter writer, RingReader reader, Doing doing)
    {
        switch (doing.What)
        {
            case 0 or 1:
                if (writer.TryReserve(doing.Length, out Span<byte> room))
                {
                    room.Fill(1);
                    writer.Commit(doing.Length, publish: doing.What == 0);
                }
                break;
            case 2: writer.Publish(); break;
            case 3:
                if (reader.TryBorrow(out ReadOnlySpan<byte> message))
                {
                    int sum = 0;
                    foreach (byte value in message) sum += value;
                    if (message.Length > Capacity) throw new InvalidOperationException($"{sum}");
                }
                break;
            case 4: reader.Release(); break;
            default: _ = (reader.HasMessage(), writer.HasReaderReached(0)); break;
        }
    }

    private sealed class Model(TestGround ground)
    {
        private readonly Queue<byte[]> _sent = new(), _borrowed = new(), _batch = new();
        private RingWriter _writer = new(ground.Window, 0, Capacity);
        private RingReader _reader = new(ground.Window, 0, Capacity);
        private int _number;

        public void Run(IEnumerable<Doing> history)
        {
            foreach (Doing doing in history) Do(doing);
            Publish();
            while (_sent.Count > 0) Borrow();
            _reader.TryBorrow(out _).ShouldBeFalse();
        }

        private void Do(Doing doing)
        {
            switch (doing.What)
            {
                case 0 or 1: Write(doing.Length, publish: doing.What == 0); break;
                case 2: Publish(); break;
                case 3: Borrow(); break;
                case 4:
                    _reader.Release();
                    _borrowed.Clear();
                    break;
                default: Die(); break;
            }
        }

        private void Write(int length, bool publish)
        {
            byte[] message = [.. Enumerable.Range(_number++, length).Select(static value => (byte)value)];
            if (_writer.TryReserve(length, out Span<byte> room))
            {
                message.CopyTo(room);
                _writer.Commit(length, publish);
                _batch.Enqueue(message);
                if (publish) MoveBatch();
            }
            else
            {
                MoveBatch();   // a refusal publishes what there was, so that room can be made
                (_sent.Count + _borrowed.Count == 0 && _reader.HasMessage()).ShouldBeFalse();
            }
        }

        private void Publish()
        {
            _writer.Publish();
            MoveBatch();
        }

        private void Borrow()
        {
            bool there = _reader.TryBorrow(out ReadOnlySpan<byte> message);
            there.ShouldBe(_sent.Count > 0);
            if (!there) return;
            byte[] expected = _sent.Dequeue();
            message.ToArray().ShouldBe(expected);
            _borrowed.Enqueue(expected);
        }

        private void Die()
        {
            _batch.Clear();                                           // never sent
            byte[][] again = [.. _borrowed, .. _sent];                // what was borrowed comes again
            _borrowed.Clear();
            _sent.Clear();
            foreach (byte[] message in again) _sent.Enqueue(message);
            _writer = new(ground.Window, 0, Capacity);
            _reader = new(ground.Window, 0, Capacity);
        }

        private void MoveBatch()
        {
            while (_batch.TryDequeue(out byte[]? message)) _sent.Enqueue(message);
        }
    }
}
