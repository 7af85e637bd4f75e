// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Ivshmem;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.Exercise;

/// <summary>Two parties hand a block of bytes to and fro through a window, with nothing but its memory and its doorbells, and check every byte.</summary>
/// <remarks>
/// Theory of operation. Each side has a half: <code>0: round, 32-bit | 4: own ID + 1, 32-bit (0: not there yet) | 8: bytes</code>
/// Each writes its ID and then looks for the other's; whoever comes second finds the first, and rings it. The first side begins round n, the second answers it. Who waits looks at the memory before it
/// sleeps, since a ring from before it listened is lost, and looks again now and then, since a guest's ring is lost while its QEMU has not heard of the receiver. The memory must be zero at the start.
/// </remarks>
internal sealed class Swapping : IDisposable
{
    private const int Round = 0, Owner = 4, Bytes = 8, Vector = 0;
    private const ulong ControlToken = ulong.MaxValue, StopToken = ulong.MaxValue - 1;

    private static readonly TimeSpan _lookAgain = TimeSpan.FromMilliseconds(50);

    private readonly IParticipant _self;
    private readonly bool _isFirst;
    private readonly int _size;
    private readonly long _mine, _theirs;
    private readonly TimeSpan _timeout;
    private readonly Epoll _epoll = new();
    private readonly Doorbell _stop = Doorbell.Create();
    private readonly byte[] _expected, _came;

    /// <summary>Takes a side.</summary>
    /// <param name="self">Borrowed.</param>
    /// <param name="isFirst">Which side.</param>
    /// <param name="offset">Where both halves are; a multiple of 64.</param>
    /// <param name="size">Bytes of the block.</param>
    /// <param name="timeout">How long the other may take for anything.</param>
    public Swapping(IParticipant self, bool isFirst, long offset, int size, TimeSpan timeout)
    {
        int half = HalfBytes(size);
        if (offset < 0 || offset % 64 != 0 || offset > self.Window.LengthBytes - (2L * half))
            throw new ArgumentException($"--at is {offset}; it must be a multiple of 64 with room for twice {half} bytes in a window of {self.Window.LengthBytes}.");
        (_self, _isFirst, _size, _timeout) = (self, isFirst, size, timeout);
        (_mine, _theirs) = isFirst ? (offset, offset + half) : (offset + half, offset);
        (_expected, _came) = (new byte[size], new byte[size]);
        _epoll.Add(self.Control, EpollEvents.Readable, ControlToken);
        _epoll.Add(_stop.Descriptor, EpollEvents.Readable, StopToken);
        for (int i = 0; i < self.Vectors.Count; i++) _epoll.Add(self.Vectors[i], EpollEvents.Readable, (ulong)i);
    }

    /// <summary>Bytes of a half.</summary>
    public static int HalfBytes(int size) => (Bytes + size + 63) & ~63;

    /// <summary>Goes through all rounds.</summary>
    /// <returns>How long each took: on the first side until the answer had come, on the second until the next question had.</returns>
    /// <exception cref="ExerciseException">A byte was wrong, the other did not come in time, the device is gone, or it was stopped.</exception>
    public Histogram Run(uint rounds, CancellationToken stop)
    {
        var times = new Histogram();
        using CancellationTokenRegistration registration = stop.Register(() => _stop.Ring());
        PeerId other = Meet();
        for (uint round = 1; round <= rounds; round++)
        {
            long start = TimeProvider.System.GetTimestamp();
            if (_isFirst) Give(round, other);
            Take(round);
            if (!_isFirst) Give(round, other);
            times.Note(TimeProvider.System.GetElapsedTime(start));
        }
        return times;
    }

    public void Dispose()
    {
        _epoll.Dispose();
        _stop.Dispose();
    }

    private PeerId Meet()
    {
        // ORDER: full; our ID is there before we look for the other's, or both could look in vain.  PAIRS WITH: the same in the other party.
        _ = Half(_mine).Exchange32(Owner, _self.Id.Value + 1u);
        uint found = WaitFor(Owner, static value => value != 0, "there is nobody on the other side");
        var other = new PeerId((ushort)(found - 1));
        Ring(other);
        return other;
    }

    private void Give(uint round, PeerId other)
    {
        Fill(_expected, round, _isFirst);
        Half(_mine).CopyIn(Bytes, _expected);
        Half(_mine).WriteRelease32(Round, round);
        Ring(other);
    }

    private void Take(uint round)
    {
        uint came = WaitFor(Round, value => value >= round, $"round {round} did not come");
        if (came != round) throw new ExerciseException($"Round {came} came in place of round {round}: somebody else uses this memory.");
        Half(_theirs).CopyOut(Bytes, _came);
        Fill(_expected, round, !_isFirst);
        int wrong = _came.AsSpan().CommonPrefixLength(_expected);
        if (wrong < _size) throw new ExerciseException($"Round {round}: byte {wrong} is {_came[wrong]}, and should be {_expected[wrong]}.");
    }

    private uint WaitFor(int word, Func<uint, bool> isThere, string otherwise)
    {
        Span<EpollReport> reports = stackalloc EpollReport[16];
        long start = TimeProvider.System.GetTimestamp();
        while (true)
        {
            uint value = Half(_theirs).ReadAcquire32(word);
            if (isThere(value)) return value;
            int count = _epoll.Wait(reports, _timeout < _lookAgain ? _timeout : _lookAgain);
            if (count == 0 && TimeProvider.System.GetElapsedTime(start) >= _timeout) throw new ExerciseException(string.Create(CultureInfo.InvariantCulture, $"After {_timeout.TotalSeconds} s {otherwise}."));
            foreach (EpollReport report in reports[..count])
            {
                if (report.Token == StopToken) throw new ExerciseException("It was stopped.");
                if (report.Token != ControlToken) _ = EventFd.TryRead(_self.Vectors[(int)report.Token], out _);
                else if (!_self.ProcessControl()) throw new ExerciseException(_self.KnowsPeers ? "The server is gone." : "The device is gone.");
            }
        }
    }

    // On a host the other's doorbells may still be on their way to us: then the news of it wakes us, and we ring again.
    private void Ring(PeerId other)
    {
        long start = TimeProvider.System.GetTimestamp();
        while (!_self.Ring(other, Vector))
        {
            _ = _self.ProcessControl();
            if (TimeProvider.System.GetElapsedTime(start) > _timeout) throw new ExerciseException($"Peer {other} cannot be rung.");
            _ = Thread.Yield();
        }
    }

    private SharedView Half(long offset) => _self.Window.View(offset, HalfBytes(_size));

    private static void Fill(Span<byte> bytes, uint round, bool isFirst)
    {
        for (int i = 0; i < bytes.Length; i++) bytes[i] = (byte)((round * 31) + ((uint)i * 7) + (isFirst ? 101u : 0));
    }
}
