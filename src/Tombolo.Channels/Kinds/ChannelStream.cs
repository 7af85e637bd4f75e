// SPDX-License-Identifier: MIT
using System.IO.Pipelines;

namespace Tombolo.Channels;

/// <summary>One end of a stream channel: bytes without borders, both ways.</summary>
/// <remarks>
/// One thread may read while another writes. Bytes are copied once, into or out of the ring. The reader of a closed stream gets what is left, then the end (0 bytes). After the other party's
/// death it gets what is left, then an <see cref="IOException"/>; a successor that opens that end goes on with the same stream.
/// </remarks>
public sealed class ChannelStream : Stream
{
    private readonly ByteConsumer _in;
    private readonly ByteProducer _out;
    private PipeReader? _reader;
    private PipeWriter? _writer;

    internal ChannelStream(ByteConsumer input, ByteProducer output) => (_in, _out) = (input, output);

    /// <summary>The channel's name.</summary>
    public string Name => _in.Name;

    /// <summary>How it stands with the other end.</summary>
    public PeerState Peer => _out.Peer;

    /// <summary>How often the other end's doorbell was rung.</summary>
    public long Rings => _in.Rings + _out.Rings;

    /// <summary>The reading side as a pipe. Do not read from the stream itself then.</summary>
    public PipeReader Input => _reader ??= PipeReader.Create(this, new(leaveOpen: true));

    /// <summary>The writing side as a pipe. Do not write to the stream itself then.</summary>
    public PipeWriter Output => _writer ??= PipeWriter.Create(this, new(leaveOpen: true));

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        while (true)
        {
            int count = _in.Read(buffer);
            if (count > 0 || buffer.IsEmpty || IsOver(_in.WaitUntilReady(CancellationToken.None))) return count;
        }
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            int count = _in.Read(buffer.Span);
            if (count > 0 || buffer.IsEmpty || IsOver(await _in.WaitUntilReadyAsync(cancellationToken))) return count;
        }
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            buffer = buffer[_out.Write(buffer)..];
            if (!buffer.IsEmpty) MustGoOn(_out.WaitUntilReady(CancellationToken.None));
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty)
        {
            buffer = buffer[_out.Write(buffer.Span)..];
            if (!buffer.IsEmpty) MustGoOn(await _out.WaitUntilReadyAsync(cancellationToken));
        }
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Does nothing: every write is in the ring when it returns.</summary>
    public override void Flush() { }

    /// <inheritdoc cref="Flush"/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _out.Dispose();
            _in.Dispose();
        }
        base.Dispose(disposing);
    }

    private bool IsOver(ChannelWait wait) => wait switch
    {
        ChannelWait.PeerClosed => true,
        ChannelWait.PeerDied => throw new IOException($"The party at the other end of stream '{Name}' died; everything it wrote was read.", new ChannelException(ChannelFault.PeerDied, $"The party at the other end of stream '{Name}' died.")),
        _ => false,
    };

    private void MustGoOn(ChannelWait wait)
    {
        if (wait == ChannelWait.Ready) return;
        ChannelFault fault = wait == ChannelWait.PeerDied ? ChannelFault.PeerDied : ChannelFault.PeerClosed;
        throw new IOException($"Stream '{Name}' is full, and nobody reads it any more.", new ChannelException(fault, $"The reader of stream '{Name}' is gone."));
    }
}
