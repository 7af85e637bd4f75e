// SPDX-License-Identifier: MIT
using System.Threading.Tasks.Sources;
using Tombolo.Ivshmem;

namespace Tombolo.Mailbox;

/// <summary>One message on its way out, from the queue to its result. Reused: a busy sender allocates nothing.</summary>
internal sealed class Dispatch : IValueTaskSource<SendResult>
{
    private ManualResetValueTaskSourceCore<SendResult> _core = new() { RunContinuationsAsynchronously = true };
    private byte[] _bytes = [];
    private int _length;
    private volatile bool _isDone;

    /// <summary>The receiver.</summary>
    public PeerId To { get; private set; }

    /// <summary>How long it has to take the message.</summary>
    public TimeSpan Timeout { get; private set; }

    /// <summary>Nobody asks for the result.</summary>
    public bool IsDetached { get; private set; }

    /// <summary>The receiver is there, but its doorbell for us was not known yet when the message was put into the slot.</summary>
    public bool NeedsRing { get; set; }

    /// <summary>Whether <see cref="Result"/> is there.</summary>
    public bool IsDone => _isDone;

    /// <summary>What became of it; valid once it is done.</summary>
    public SendResult Result { get; private set; }

    /// <summary>The message, where it had to wait in the queue.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <summary>Names this use of the object to a <see cref="ValueTask"/>.</summary>
    public short Token => _core.Version;

    /// <summary>Called when the result was fetched: the object may be used again.</summary>
    public Action<Dispatch>? Fetched { get; set; }

    public void Begin(PeerId to, TimeSpan timeout, bool isDetached)
    {
        (To, Timeout, IsDetached, NeedsRing, _isDone, _length) = (to, timeout, isDetached, false, false, 0);
        _core.Reset();
    }

    public void Store(ReadOnlySpan<byte> bytes)
    {
        if (_bytes.Length < bytes.Length) _bytes = new byte[bytes.Length];
        bytes.CopyTo(_bytes);
        _length = bytes.Length;
    }

    public void Complete(SendResult result)
    {
        Result = result;
        _isDone = true;
        if (IsDetached) Fetched?.Invoke(this);
        else _core.SetResult(result);
    }

    SendResult IValueTaskSource<SendResult>.GetResult(short token)
    {
        SendResult result = _core.GetResult(token);
        Fetched?.Invoke(this);
        return result;
    }

    ValueTaskSourceStatus IValueTaskSource<SendResult>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<SendResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
