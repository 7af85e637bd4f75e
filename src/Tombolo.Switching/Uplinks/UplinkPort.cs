// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using Tombolo.Linux;

namespace Tombolo.Switching;

/// <summary>A port behind which is a descriptor: a tap, which takes and gives a frame a call, or a stream socket, with a length of four bytes before each frame.</summary>
/// <remarks>
/// The kernel's queue is its backlog; what that does not take is lost and counted. Offloads are finished here. <see cref="_reading"/> guards what comes in, <see cref="_writing"/>
/// what goes out; the control loop takes both, in that order, to exchange the descriptor.
/// </remarks>
internal sealed class UplinkPort(PortOptions options, int index, TimeProvider time) : Port(options, index, time)
{
    private const int LengthBytes = 4, Batch = 64, InBytes = 1 << 18;
    private readonly Gate _reading = new(), _writing = new();
    private readonly PinnedBytes _in = new(InBytes), _out = new(LengthBytes + Frame.MaxBytes), _rest = new(LengthBytes + Frame.MaxBytes), _part = new(Frame.MaxBytes);
    private SafeFd? _fd;
    private bool _isStream;
    private int _count;          // bytes of _in that have come
    private int _restAt, _restEnd;   // the end of a frame of which the socket took only the start

    public override bool IsUp => _fd is not null;

    /// <summary>Whether the end of a frame waits for room.</summary>
    public bool IsStuck => _restAt != _restEnd;

    public SafeFd? Descriptor => _fd;

    /// <summary>Puts a descriptor into service. On the control loop.</summary>
    /// <param name="fd">Non-blocking; ours from now on.</param>
    /// <param name="isStream">Whether lengths come before frames.</param>
    public void Attach(SafeFd fd, bool isStream) => Exchange(fd, isStream);

    /// <summary>Takes it out of service and closes it. On the control loop, after no data thread waits for it.</summary>
    public void Detach() => Exchange(null, false);

    public override void Leave()
    {
        IsGone = true;
        Detach();
    }

    /// <summary>Takes the frames that have come, a batch at the most.</summary>
    /// <returns>Why it is over; null where it goes on.</returns>
    public string? Serve(DataThread thread, long now)
    {
        if (!_reading.TryEnter()) return null;
        try
        {
            return _fd is not { } fd ? null : _isStream ? ServeStream(fd, thread, now) : ServeTap(fd, thread, now);
        }
        finally { _reading.Exit(); }
    }

    /// <summary>Sends the end of a frame that waits for room.</summary>
    public void Flush()
    {
        if (!_writing.TryEnter()) return;
        if (_fd is { } fd) _ = Flushed(fd);
        _writing.Exit();
    }

    public override void Deliver(in Frame frame, int hint, DataThread thread)
    {
        if (frame.Header.Gso == 0 && frame.Length > Options.Mtu + Frame.HeadBytes + 8)
        {
            thread.Count(Index, PortCounter.TooLong);
            return;
        }
        _writing.Enter();
        try
        {
            if (_fd is not { } fd) thread.Count(Index, PortCounter.NotAttached);
            else Send(fd, frame, thread);
        }
        finally { _writing.Exit(); }
    }

    private void Send(SafeFd fd, in Frame frame, DataThread thread)
    {
        Span<byte> copy = _out.Bytes.Slice(LengthBytes, frame.Length);
        frame.CopyTo(copy);
        if (frame.Header.Gso != 0)
        {
            SendParts(fd, frame.Header, copy, thread);
            return;
        }
        if (!frame.Header.IsPlain)
        {
            Segmenter.FillChecksum(copy, frame.Header.ChecksumStart, frame.Header.ChecksumOffset);
            thread.Count(Index, PortCounter.ChecksumsMade);
        }
        Write(fd, _out.Bytes[..(LengthBytes + frame.Length)], thread);
    }

    private void SendParts(SafeFd fd, NetHeader header, Span<byte> frame, DataThread thread)
    {
        // Parts are made behind the place for their length; the frame itself is made room for elsewhere.
        frame.CopyTo(_part.Bytes);
        var segmenter = new Segmenter(header, _part.Bytes[..frame.Length], _out.Bytes[LengthBytes..]);
        if (!segmenter.CanCut)
        {
            thread.Count(Index, PortCounter.BadOffload);
            return;
        }
        thread.Count(Index, PortCounter.Segmented);
        while (segmenter.TryNext(out int length)) Write(fd, _out.Bytes[..(LengthBytes + length)], thread);
    }

    // The length's place, and a frame.
    private void Write(SafeFd fd, Span<byte> record, DataThread thread)
    {
        int length = record.Length - LengthBytes;
        bool isGone;
        if (!_isStream) isGone = CharacterDevice.Write(fd, record[LengthBytes..]).Bytes == length;
        else
        {
            BinaryPrimitives.WriteInt32BigEndian(record, length);
            isGone = Flushed(fd) && WriteStream(fd, record, thread);
        }
        thread.Count(Index, isGone ? PortCounter.FramesTo : PortCounter.ReceiverFull);
        if (!isGone) return;
        thread.Count(Index, PortCounter.BytesTo, length);
        Capture?.Note(PlainFrame(record[LengthBytes..]), CaptureDirection.ToGuest);
    }

    private static Frame PlainFrame(ReadOnlySpan<byte> bytes) => new(default, bytes, [], 0, bytes.Length);

    private bool WriteStream(SafeFd fd, ReadOnlySpan<byte> record, DataThread thread)
    {
        int sent = UnixSocket.Send(fd, record).Bytes;
        if (sent == 0) return false;
        if (sent == record.Length) return true;
        record[sent..].CopyTo(_rest.Bytes);
        (_restAt, _restEnd) = (0, record.Length - sent);
        thread.NoteStuck(this);
        return true;
    }

    private bool Flushed(SafeFd fd)
    {
        if (_restAt == _restEnd) return true;
        _restAt += UnixSocket.Send(fd, _rest.Bytes[_restAt.._restEnd]).Bytes;
        return _restAt == _restEnd;
    }

    private string? ServeTap(SafeFd fd, DataThread thread, long now)
    {
        for (int i = 0; i < Batch; i++)
        {
            SocketResult result = CharacterDevice.Read(fd, _in.Bytes[..Frame.MaxBytes]);
            if (result.Bytes <= 0) return result.IsWouldBlock || result.Errno == 0 ? null : $"The tap {(Options.Uplink as TapUplink)?.Device} cannot be read any more: errno {result.Errno}.";
            Take(0, result.Bytes, thread, now);
        }
        return null;
    }

    private string? ServeStream(SafeFd fd, DataThread thread, long now)
    {
        SocketResult result = UnixSocket.Receive(fd, _in.Bytes[_count..], thread.Strangers);
        thread.Strangers.Clear();
        if (result.IsClosed) return "The other end hung up.";
        if (!result.IsMoved) return result.IsWouldBlock ? null : $"The socket cannot be read any more: errno {result.Errno}.";
        _count += result.Bytes;
        int at = 0;
        while (_count - at >= LengthBytes)
        {
            uint length = BinaryPrimitives.ReadUInt32BigEndian(_in.Bytes[at..]);
            if (length > Frame.MaxBytes) return $"The other end announces a frame of {length} bytes; {Frame.MaxBytes} is the most.";
            if (_count - at - LengthBytes < length) break;
            Take(at + LengthBytes, (int)length, thread, now);
            at += LengthBytes + (int)length;
        }
        _in.Bytes[at.._count].CopyTo(_in.Bytes);
        _count -= at;
        return null;
    }

    private void Take(int at, int length, DataThread thread, long now)
    {
        if (length < Frame.HeadBytes)
        {
            thread.Count(Index, PortCounter.Malformed);
            return;
        }
        Span<GuestBuffer> pieces = [_in.Part(at, length)];
        thread.Receive(this, new(default, _in.Bytes.Slice(at, Frame.HeadBytes), pieces, Frame.HeadBytes, length), queue: 0, now);
    }

    private void Exchange(SafeFd? fd, bool isStream)
    {
        _reading.Enter();
        _writing.Enter();
        SafeFd? old = _fd;
        (_fd, _isStream, _count, _restAt, _restEnd) = (fd, isStream, 0, 0, 0);
        _writing.Exit();
        _reading.Exit();
        old?.Dispose();
    }
}
