// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Wire;

namespace Tombolo.Switching;

/// <summary>One connection to a front end: bytes and descriptors in, requests to the device, answers out. Belongs to the control loop.</summary>
/// <remarks>
/// It reads exactly one header, then exactly its payload, so that descriptors, which come with a message's first byte, can belong to no other message. The socket buffer holds
/// every answer that is possible between two requests; a front end that lets it fill up does not read, and its session ends.
/// </remarks>
internal sealed class VhostSession(SafeFd socket, PeerCredentials who, VhostDevice device) : IDisposable
{
    private readonly byte[] _bytes = new byte[VhostHeader.Size + VhostHeader.MaxPayload], _answer = new byte[VhostHeader.Size + VhostConfigPart.Size + VhostConfigPart.MaxBytes];
    private readonly FdInbox _descriptors = new();
    private readonly VhostReply _reply = new();
    private int _count;
    private VhostHeader _header;

    public SafeFd Socket => socket;

    public PeerCredentials Who => who;

    public VhostDevice Device => device;

    /// <summary>How many requests were handled.</summary>
    public long Requests { get; private set; }

    /// <summary>Handles all that can be read.</summary>
    /// <param name="refused">Called with why a request could not be done, where the front end was told so.</param>
    /// <returns>False where the front end hung up.</returns>
    /// <exception cref="ProtocolException">It broke the protocol.</exception>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public bool Serve(Action<VhostRequest, string> refused)
    {
        for (int messages = 0; messages < 64;)   // others wait too
        {
            int wanted = _count < VhostHeader.Size ? VhostHeader.Size : VhostHeader.Size + (int)_header.PayloadBytes;
            if (_count < wanted)
            {
                SocketResult result = UnixSocket.Receive(socket, _bytes.AsSpan(_count, wanted - _count), _descriptors);
                if (result.IsClosed) return false;
                if (!result.IsMoved) return result.IsWouldBlock ? true : throw new LinuxException("recvmsg", "vhost-user socket", result.Errno);
                _count += result.Bytes;
                if (_count < VhostHeader.Size) continue;
                if (_count == VhostHeader.Size) ReadHeader();
                if (_count < VhostHeader.Size + _header.PayloadBytes) continue;
            }
            Handle(refused);
            messages++;
        }
        return true;
    }

    public void Dispose()
    {
        device.Dispose();
        _descriptors.Dispose();
        _reply.Dispose();
        socket.Dispose();
    }

    private void ReadHeader()
    {
        _ = VhostHeader.TryRead(_bytes, out _header);
        WireFault fault = _header.Check();
        if (fault != WireFault.None) throw new ProtocolException(fault, $"The header {_header} has a fault: {fault}.");
    }

    private void Handle(Action<VhostRequest, string> refused)
    {
        VhostHeader header = _header;
        int length = _count;
        _count = 0;
        Requests++;
        try
        {
            string? problem = VhostRules.Apply(device, header, _bytes.AsSpan(VhostHeader.Size, length - VhostHeader.Size), _descriptors, _reply);
            bool isAsked = header.NeedsReply && (device.ProtocolFeatures & VhostProtocolFeatures.ReplyAck) != 0;
            if (problem is not null && !isAsked) throw new ProtocolException(WireFault.ValueOutOfRange, problem);
            if (problem is not null) refused(header.Request, problem);
            if (_reply.IsSet) Send(header.Request, _reply.Payload, _reply.Descriptor);
            else if (isAsked) Acknowledge(header.Request, problem is null);
        }
        finally
        {
            _reply.Clear();
            _descriptors.Clear();   // what no handler took is closed
        }
    }

    private void Acknowledge(VhostRequest request, bool isDone)
    {
        Span<byte> payload = stackalloc byte[sizeof(ulong)];
        payload.Clear();
        if (!isDone) payload[0] = 1;
        Send(request, payload, null);
    }

    private void Send(VhostRequest request, ReadOnlySpan<byte> payload, SafeFd? descriptor)
    {
        new VhostHeader(request, VhostHeader.Version | VhostHeader.ReplyFlag, (uint)payload.Length).Write(_answer);
        payload.CopyTo(_answer.AsSpan(VhostHeader.Size));
        ReadOnlySpan<byte> bytes = _answer.AsSpan(0, VhostHeader.Size + payload.Length);
        SocketResult result = descriptor is null ? UnixSocket.Send(socket, bytes) : UnixSocket.Send(socket, bytes, descriptor);
        if (result.Bytes != bytes.Length) throw new ProtocolException(WireFault.OutOfOrder, $"The front end does not read: its answer to {request} does not fit into the socket.");
    }
}
