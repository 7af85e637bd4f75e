// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;

namespace Tombolo.Switching;

/// <summary>The far end of a pcap uplink: sends a file's frames into a socket in the file's own time, and records what comes out of it. Files and waiting stay off the data threads.</summary>
internal sealed class PcapPlayer : IDisposable
{
    private const int LengthBytes = 4;
    private static readonly TimeSpan _wait = TimeSpan.FromMilliseconds(50);
    private readonly PcapUplink _options;
    private readonly SafeFd _socket;
    private readonly TimeProvider _time;
    private readonly Action<string> _failed;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread[] _threads;

    /// <param name="name">The port's name.</param>
    /// <param name="options">Which files; they are opened here.</param>
    /// <param name="socket">A stream, non-blocking; this object's from now on.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="failed">Called with why a file cannot be read or written any further.</param>
    /// <exception cref="SwitchException">A file cannot be opened, or is no capture.</exception>
    public PcapPlayer(string name, PcapUplink options, SafeFd socket, TimeProvider time, Action<string> failed)
    {
        (_options, _socket, _time, _failed) = (options, socket, time, failed);
        FileStream? from = null, to = null;
        try
        {
            from = options.Replay is { } replay ? File.OpenRead(replay) : null;
            PcapReader? reader = from is null ? null : new(from);
            to = options.Record is { } record ? File.Create(record) : null;
            var threads = new List<Thread>();
            if (reader is not null) threads.Add(new(() => Do(() => Replay(reader), from!)) { Name = "replay", IsBackground = true });
            if (to is not null) threads.Add(new(() => Do(() => Record(name, to), to)) { Name = "record", IsBackground = true });
            _threads = [.. threads];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            from?.Dispose();
            to?.Dispose();
            socket.Dispose();
            throw new SwitchException($"Port '{name}': {exception.Message}", exception);
        }
        foreach (Thread thread in _threads) thread.Start();
    }

    /// <summary>Ends it; what has come is in the file.</summary>
    public void Dispose()
    {
        _stop.Set();
        foreach (Thread thread in _threads) thread.Join();
        _socket.Dispose();
    }

    private void Do(Action work, FileStream file)
    {
        using (file)
        {
            try { work(); }
            catch (Exception exception) when (exception is IOException or InvalidDataException) { _failed(exception.Message); }
        }
    }

    private void Replay(PcapReader reader)
    {
        byte[] record = new byte[LengthBytes + Frame.MaxBytes];
        long start = _time.GetTimestamp();
        double? first = null;
        while (reader.TryRead(out ReadOnlySpan<byte> frame, out double nanoseconds) && !_stop.IsSet)
        {
            if (frame.Length > Frame.MaxBytes) continue;
            first ??= nanoseconds;
            BinaryPrimitives.WriteInt32BigEndian(record, frame.Length);
            frame.CopyTo(record.AsSpan(LengthBytes));
            int length = LengthBytes + frame.Length;
            if (_options.Speed > 0 && nanoseconds > first)
            {
                TimeSpan left = TimeSpan.FromMicroseconds(Math.Min((nanoseconds - first.Value) / 1000 / _options.Speed, 1e12)) - _time.GetElapsedTime(start);
                if (left > TimeSpan.Zero && _stop.Wait(left)) return;
            }
            for (int at = 0; at < length;)
            {
                SocketResult result = UnixSocket.Send(_socket, record.AsSpan(at, length - at));
                at += result.Bytes;
                if (result.Bytes > 0) continue;
                if (!result.IsWouldBlock || _stop.IsSet) return;
                _ = UnixSocket.Wait(_socket, forReading: false, _wait);
            }
        }
    }

    private void Record(string name, FileStream file)
    {
        using var output = new BufferedStream(file, 1 << 16);
        using var strangers = new FdInbox();
        var writer = new PcapngWriter(output);
        writer.Begin(name);
        writer.Flush();
        byte[] bytes = new byte[1 << 18];
        long written = 0;
        for (int count = 0; ;)
        {
            if (!UnixSocket.Wait(_socket, forReading: true, _wait))
            {
                writer.Flush();
                if (_stop.IsSet) break;
                continue;
            }
            SocketResult result = UnixSocket.Receive(_socket, bytes.AsSpan(count), strangers);
            if (!result.IsMoved && !result.IsWouldBlock) break;
            count += result.Bytes;
            int at = 0;
            for (int length; count - at >= LengthBytes && count - at - LengthBytes >= (length = BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(at))); at += LengthBytes + length, written++)
                writer.Write(Now(), CaptureDirection.ToGuest, length, bytes.AsSpan(at + LengthBytes, length));
            bytes.AsSpan(at, count - at).CopyTo(bytes);
            count -= at;
        }
        writer.End(Now(), written, 0);
        writer.Flush();
    }

    private ulong Now() => (ulong)(_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks * 100;
}
