// SPDX-License-Identifier: MIT
using System.Globalization;
using Tombolo.Store;

namespace Tombolo.Grants.Conformance;

/// <summary>One side of a check under way: a domain, the other one's number, and a link to it.</summary>
public sealed class CheckSide(IDomain domain, DomainId peer, ICheckLink link)
{
    private const string Failure = "!";

    /// <summary>How long anything may take before it counts as a hang.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromSeconds(60);

    public IDomain Domain { get; } = domain;

    public DomainId Peer { get; } = peer;

    public IGrants Grants => Domain.Grants;

    public IEventChannels Events => Domain.Events;

    public void Send(string line) => link.Send(line);

    public void Send(uint number) => Send(number.ToString(CultureInfo.InvariantCulture));

    public void Send(IEnumerable<GrantRef> references) => Send(string.Join(',', references));

    public string Receive()
    {
        string line = link.Receive(Limit);
        return line.StartsWith(Failure, StringComparison.Ordinal) ? throw new CheckException($"The other side: {line[1..]}") : line;
    }

    public uint ReceiveNumber() => uint.Parse(Receive(), CultureInfo.InvariantCulture);

    public EventPort ReceivePort() => new(ReceiveNumber());

    public IReadOnlyList<GrantRef> ReceiveReferences() => [.. Receive().Split(',').Select(text => new GrantRef(uint.Parse(text, CultureInfo.InvariantCulture)))];

    /// <summary>Both sides are here: what each did before is done.</summary>
    public void Meet(string where)
    {
        Send(where);
        Equal(where, Receive(), "where the other side is");
    }

    /// <summary>Tells the other side that this one failed.</summary>
    internal void SendFailure(Exception exception)
    {
        try { link.Send(Failure + exception.Message.ReplaceLineEndings(" ")); }
        catch (Exception lost) when (lost is IOException or ObjectDisposedException) { }   // it is gone, and knows
    }

    public static void That(bool isSo, string what)
    {
        if (!isSo) throw new CheckException($"It is not so that {what}.");
    }

    public static void Equal<T>(T expected, T actual, string what)
    {
        if (!EqualityComparer<T>.Default.Equals(expected, actual)) throw new CheckException($"{what} is {actual}, not {expected}.");
    }

    /// <summary>Something must be refused, for that reason.</summary>
    public static void Refused(GrantFault fault, Action act, string what)
    {
        try { act(); }
        catch (GrantException exception)
        {
            Equal(fault, exception.Fault, $"why {what} is refused ('{exception.Message}')");
            return;
        }
        throw new CheckException($"{what} is not refused.");
    }

    /// <summary>An event comes, and is taken.</summary>
    public void Heard(EventChannel port, string what) => That(port.Wait(Limit), $"{what} is heard");
}
