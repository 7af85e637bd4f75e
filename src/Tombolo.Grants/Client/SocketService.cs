// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using Tombolo.Store;

namespace Tombolo.Grants;

/// <summary>The book at the end of a socket.</summary>
/// <remarks>
/// Theory of operation. One request at a time, each with one answer. What stands is remembered here. When the server goes away, the next one is told what stands before anything else, and the request
/// whose answer did not come is asked again: a server that died knows nothing any more, so whether it was done before makes no difference. A process that asks for nothing comes back too, since its
/// socket's end is watched.
/// </remarks>
internal sealed class SocketService : IGrantService
{
    private readonly GrantClientOptions _options;
    private readonly Lock _gate = new();   // guards everything below
    private readonly Dictionary<GrantRef, (GrantMessage Declaration, SafeFd Memory)> _grants = [];
    private readonly Dictionary<uint, GrantMessage> _mappings = [];
    private readonly Dictionary<EventPort, (GrantMessage Declaration, SafeFd Own, SafeFd Others)> _ports = [];
    private ServerLink? _link;
    private IDisposable? _endWatch;
    private bool _isDisposed;

    public SocketService(GrantClientOptions options)
    {
        _options = options;
        try { Open(); }
        catch
        {
            _link?.Dispose();
            throw;
        }
    }

    public DomainId Domain { get; private set; }

    public GrantRef Grant(DomainId to, int pages, bool readOnly, SafeFd memory)
    {
        lock (_gate)
        {
            GrantMessage request = new((uint)GrantOperation.Grant, to.Value, (uint)pages, readOnly ? 1u : 0);
            GrantRef first = new(Ask(request, memory).Message.A);
            if (first.Value < GrantRef.First) throw ServerLink.Nonsense("a reserved reference");
            _grants[first] = (request with { Code = (uint)GrantOperation.DeclareGrant, D = first.Value }, memory.Duplicate());
            return first;
        }
    }

    public EndOfAccess End(GrantRef first, bool revoke)
    {
        lock (_gate)
        {
            if (revoke)
            {
                Forget(first);
                Tell(new((uint)GrantOperation.End, first.Value, 1));
                return EndOfAccess.PutOff;
            }
            EndOfAccess end = (EndOfAccess)Ask(new((uint)GrantOperation.End, first.Value)).Message.A;
            if (end > EndOfAccess.PutOff) throw ServerLink.Nonsense($"the end {(uint)end}");
            if (end != EndOfAccess.StillMapped) Forget(first);
            return end;
        }
    }

    public MappingAnswer Map(DomainId from, GrantRef first, int pages, bool writable)
    {
        lock (_gate)
        {
            GrantMessage request = new((uint)GrantOperation.Map, from.Value, first.Value, (uint)pages, writable ? 1u : 0);
            LinkAnswer answer = Ask(request);
            _mappings[answer.Message.A] = request with { Code = (uint)GrantOperation.DeclareMapping, E = answer.Message.A };
            return new(answer.Message.A, (int)Math.Min(answer.Message.B, int.MaxValue), answer.First!);
        }
    }

    public void Unmap(uint mapping)
    {
        lock (_gate)
            if (_mappings.Remove(mapping)) Tell(new((uint)GrantOperation.Unmap, mapping));
    }

    public PortAnswer AllocateUnbound(DomainId remote)
    {
        lock (_gate) return Keep(Ask(new((uint)GrantOperation.AllocateUnbound, remote.Value)), remote, default);
    }

    public PortAnswer BindInterdomain(DomainId remote, EventPort remotePort)
    {
        lock (_gate) return Keep(Ask(new((uint)GrantOperation.BindInterdomain, remote.Value, remotePort.Value)), remote, remotePort);
    }

    public void Close(EventPort port)
    {
        lock (_gate)
            if (_ports.Remove(port)) Tell(new((uint)GrantOperation.Close, port.Value));
    }

    public (IReadOnlyList<GrantInfo> Grants, IReadOnlyList<PortInfo> Ports) List()
    {
        List<GrantInfo> grants = [];
        List<PortInfo> ports = [];
        lock (_gate)
            for (uint have = 0; ;)
            {
                LinkAnswer answer = Ask(new((uint)GrantOperation.List, have));
                string[] lines = answer.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
                foreach (string line in lines)
                    if (!GrantLines.TryRead(line, grants, ports)) throw ServerLink.Nonsense($"the line '{line}'");
                have += (uint)lines.Length;
                if (lines.Length == 0 || have >= answer.Message.A) return (grants, ports);
            }
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            _endWatch?.Dispose();
            _link?.Dispose();
            foreach ((_, SafeFd memory) in _grants.Values) memory.Dispose();
        }
    }

    private PortAnswer Keep(LinkAnswer answer, DomainId remote, EventPort remotePort)
    {
        EventPort port = new(answer.Message.A);
        _ports[port] = (new((uint)GrantOperation.DeclarePort, port.Value, remote.Value, remotePort.Value), answer.First!, answer.Second!);
        return new(port, answer.First!, answer.Second!);
    }

    private LinkAnswer Ask(in GrantMessage request, params ReadOnlySpan<SafeFd> fds)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        while (true)
        {
            if (_link is null) Reopen();
            if (_link!.TryAsk(request, fds, out LinkAnswer answer)) return answer.Message.Code == 0 ? answer : throw answer.Refusal;
            Drop();
        }
    }

    // Of something that has ended here. A server that is gone need not hear it, and the next one is not told that it ever was.
    private void Tell(in GrantMessage request)
    {
        if (_isDisposed || _link is null || _link.TryAsk(request, [], out _)) return;
        Drop();
        LookLater();
    }

    private void Forget(GrantRef first)
    {
        if (_grants.Remove(first, out (GrantMessage, SafeFd Memory) grant)) grant.Memory.Dispose();
    }

    // Connects, says who this is, and what stands.
    private void Open()
    {
        _link = ServerLink.Connect(_options);
        GrantMessage hello = new((uint)GrantOperation.Hello, GrantMessage.Version, _options.Domain?.Value ?? GrantMessage.AnyDomain);
        if (!_link.TryAsk(hello, [], out LinkAnswer welcome)) throw new GrantException(GrantFault.Lost, $"The grants' server at '{_options.SocketPath}' hung up.");
        if (welcome.Message.Code != 0) throw welcome.Refusal;
        if (welcome.Message.A > DomainId.Highest) throw ServerLink.Nonsense($"domain {welcome.Message.A}");
        Domain = new((ushort)welcome.Message.A);
        foreach ((GrantMessage declaration, SafeFd memory) in _grants.Values) Declare(declaration, memory);
        foreach (GrantMessage declaration in _mappings.Values) Declare(declaration);
        foreach ((GrantMessage declaration, SafeFd own, SafeFd others) in _ports.Values) Declare(declaration, own, others);
        Declare(new((uint)GrantOperation.Declared));
        _endWatch = DescriptorWaits.WatchEnd(_link.Socket, LookLater);
    }

    // What a server does not take in, it does not know: the grant cannot be mapped anew, the port not be bound to. What is mapped and bound goes on.
    private void Declare(in GrantMessage declaration, params ReadOnlySpan<SafeFd> fds)
    {
        if (!_link!.TryAsk(declaration, fds, out _)) throw new GrantException(GrantFault.Lost, $"The grants' server at '{_options.SocketPath}' hung up.");
    }

    private void Drop()
    {
        _endWatch?.Dispose();
        _endWatch = null;
        _link?.Dispose();
        _link = null;
    }

    private void Reopen()
    {
        long start = _options.Time.GetTimestamp();
        using SafeFd never = EventFd.Create();
        while (true)
        {
            try
            {
                Open();
                return;
            }
            catch (GrantException exception) when (exception.Fault == GrantFault.Lost && _options.Time.GetElapsedTime(start) < _options.Patience)
            {
                Drop();
                _ = UnixSocket.Wait(never, forReading: true, _options.Pause);
            }
            catch
            {
                Drop();
                throw;
            }
        }
    }

    private void LookLater() => ThreadPool.UnsafeQueueUserWorkItem(static service => _ = service.ComeBackAsync(), this, preferLocal: false);

    // For a process that asks for nothing. The lock is free between two tries.
    private async Task ComeBackAsync()
    {
        long start = _options.Time.GetTimestamp();
        while (_options.Time.GetElapsedTime(start) < _options.Patience)
        {
            lock (_gate)
            {
                if (_isDisposed || _link is { IsOver: false }) return;
                Drop();
                try
                {
                    Open();
                    return;
                }
                catch (TomboloException) { Drop(); }   // not there yet; the next request tries too, and says why
            }
            await Task.Delay(_options.Pause, _options.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
