// SPDX-License-Identifier: MIT
using System.Runtime.InteropServices;

namespace Tombolo.Switching;

/// <summary>A capture of one port's frames, as pcapng, while it goes on. Dispose it to end it; the output stays its owner's.</summary>
/// <remarks>
/// A data thread copies a frame into a ring of bytes and goes on; a thread of the capture's own writes. What the ring has no room for is lost to the capture alone, and counted.
/// Large segments and unfinished checksums are shown as the guests exchange them.
/// </remarks>
public sealed class PortCapture : IAsyncDisposable
{
    private const int RecordHeader = 24, Skip = -1;
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(10);
    private readonly Gate _gate = new();
    private readonly byte[] _ring;
    private readonly int _snapBytes;
    private readonly TimeProvider _time;
    private readonly long _startTicks;
    private readonly ulong _startNanoseconds;
    private readonly PcapngWriter _writer;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ManualResetEventSlim _stop = new();
    private readonly Func<PortCapture, Task> _detach;
    private long _head, _tail;   // _gate guards _head; _tail is the writer's
    private long _dropped, _written;

    internal PortCapture(string port, Stream output, CaptureOptions options, TimeProvider time, Func<PortCapture, Task> detach)
    {
        (_ring, _snapBytes, _time, _detach) = (new byte[options.BufferBytes], options.SnapBytes, time, detach);
        (_startTicks, _startNanoseconds) = (time.GetTimestamp(), (ulong)(time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100);
        _writer = new(output);
        new Thread(() => Run(port)) { Name = "capture", IsBackground = true }.Start();
    }

    /// <summary>Frames written.</summary>
    public long Written => Volatile.Read(ref _written);

    /// <summary>Frames that the capture had no room for.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Ends when the capture does; fails where its output could not be written.</summary>
    public Task Completion => _ended.Task;

    /// <summary>Ends the capture: what was captured is written first.</summary>
    public async ValueTask DisposeAsync()
    {
        await _detach(this);
        _stop.Set();
        await _ended.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Ends it from the switch's side: what was captured is written, then <see cref="Completion"/> ends.</summary>
    internal void End() => _stop.Set();

    internal void Note(in Frame frame, CaptureDirection direction)
    {
        int kept = Math.Min(frame.Length, _snapBytes), needed = RecordHeader + ((frame.Length + 7) & ~7);   // a whole frame is copied; only a part of it is written
        _gate.Enter();
        long head = _head, used = head - Volatile.Read(ref _tail);
        int at = (int)(head % _ring.Length), toEnd = _ring.Length - at, skipped = needed > toEnd ? toEnd : 0;
        if (used + skipped + needed > _ring.Length)
        {
            _dropped++;
            _gate.Exit();
            return;
        }
        if (skipped > 0)
        {
            MemoryMarshal.Write(_ring.AsSpan(at), Skip);
            at = 0;
        }
        Span<byte> record = _ring.AsSpan(at, needed);
        MemoryMarshal.Write(record, frame.Length);
        MemoryMarshal.Write(record[4..], kept);
        MemoryMarshal.Write(record[8..], (int)direction);
        MemoryMarshal.Write(record[16..], _time.GetTimestamp());
        frame.CopyTo(record[RecordHeader..]);
        Volatile.Write(ref _head, head + skipped + needed);
        _gate.Exit();
    }

    private void Run(string port)
    {
        try
        {
            _writer.Begin(port);
            _writer.Flush();
            for (bool isLast = false; !isLast;)
            {
                isLast = _stop.Wait(_pause);
                if (Drain()) _writer.Flush();
            }
            _writer.End(Now(_time.GetTimestamp()), Written, Dropped);
            _writer.Flush();
            _ended.SetResult();
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            _ = _ended.TrySetException(exception);
            _ = _detach(this);
        }
    }

    private bool Drain()
    {
        bool any = false;
        while (_tail != Volatile.Read(ref _head))
        {
            any = true;
            int at = (int)(_tail % _ring.Length), length = MemoryMarshal.Read<int>(_ring.AsSpan(at));
            if (length == Skip)
            {
                Volatile.Write(ref _tail, _tail + _ring.Length - at);
                continue;
            }
            ReadOnlySpan<byte> record = _ring.AsSpan(at);
            int kept = MemoryMarshal.Read<int>(record[4..]);
            _writer.Write(Now(MemoryMarshal.Read<long>(record[16..])), (CaptureDirection)MemoryMarshal.Read<int>(record[8..]), length, record.Slice(RecordHeader, kept));
            Volatile.Write(ref _written, _written + 1);
            Volatile.Write(ref _tail, _tail + RecordHeader + ((length + 7) & ~7));
        }
        return any;
    }

    private ulong Now(long ticks) => _startNanoseconds + (ulong)((ticks - _startTicks) * (1e9 / _time.TimestampFrequency));
}
