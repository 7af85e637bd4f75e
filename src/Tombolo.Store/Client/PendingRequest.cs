// SPDX-License-Identifier: MIT
using System.Threading.Tasks.Sources;

namespace Tombolo.Store;

/// <summary>A request that waits for its reply. Used again and again, so that a request allocates nothing but its result.</summary>
internal sealed class PendingRequest : IValueTaskSource<byte[]>
{
    private ManualResetValueTaskSourceCore<byte[]> _core = new() { RunContinuationsAsynchronously = true };
    private readonly Action<PendingRequest> _giveBack;

    public PendingRequest(Action<PendingRequest> giveBack) => _giveBack = giveBack;

    public StoreOperation Operation { get; set; }

    public string Subject { get; set; } = "";

    public ValueTask<byte[]> Task => new(this, _core.Version);

    public void SetResult(byte[] payload) => _core.SetResult(payload);

    public void SetException(Exception exception) => _core.SetException(exception);

    byte[] IValueTaskSource<byte[]>.GetResult(short token)
    {
        try { return _core.GetResult(token); }
        finally
        {
            _core.Reset();
            _giveBack(this);
        }
    }

    ValueTaskSourceStatus IValueTaskSource<byte[]>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<byte[]>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _core.OnCompleted(continuation, state, token, flags);
}
