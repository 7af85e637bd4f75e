// SPDX-License-Identifier: MIT
using System.Text;
using Tombolo.Linux;
using Tombolo.Store;
using Tombolo.Wire;

namespace Tombolo.Grants;

/// <summary>What each request does to the book. Descriptors that came with a request are checked in number before.</summary>
internal sealed class GrantRequests(GrantBook book, Func<GrantSnapshot> beside)
{
    /// <summary>Does a request of a process that said who it is.</summary>
    /// <exception cref="GrantException">It cannot be.</exception>
    public GrantAnswer Do(BookMember member, in GrantMessage request, FdInbox inbox)
    {
        (uint a, uint b, uint c, uint d, uint e) = (request.A, request.B, request.C, request.D, request.E);
        switch ((GrantOperation)request.Code)
        {
            case GrantOperation.Grant:
                return Done(book.Grant(member, Domain(a), (int)b, c == 1, Take(inbox)).Value);
            case GrantOperation.End:
                return Done((uint)book.End(member, new(a), b == 1));
            case GrantOperation.Map:
                BookMapping mapping = book.Map(member, Domain(a), new(b), (int)c, d == 1);
                return new(new(0, mapping.Id, (uint)mapping.FirstPage), First: mapping.Area.Memory);
            case GrantOperation.Unmap:
                book.Unmap(member, a);
                return Done();
            case GrantOperation.AllocateUnbound:
                return Answer(book.AllocateUnbound(member, Domain(a)));
            case GrantOperation.BindInterdomain:
                return Answer(book.BindInterdomain(member, Domain(a), new(b)));
            case GrantOperation.Close:
                book.Close(member, new(a));
                return Done();
            case GrantOperation.DeclareGrant:
                book.DeclareGrant(member, Domain(a), (int)b, c == 1, Take(inbox), new(d));
                return Done();
            case GrantOperation.DeclareMapping:
                book.DeclareMapping(member, Domain(a), new(b), (int)c, d == 1, e);
                return Done();
            case GrantOperation.DeclarePort:
                book.DeclarePort(member, new(a), Domain(b), new(c), Take(inbox), Take(inbox));
                return Done();
            case GrantOperation.List:
                return List(member, a);
            default:
                throw new ProtocolException(WireFault.OutOfOrder, "It says who it is twice");
        }
    }

    // Lines as `tombolo grant ls` reads them: words with single spaces, the process last.
    private GrantAnswer List(BookMember member, uint skip)
    {
        bool seesAll = member.Domain == DomainId.Privileged;
        GrantSnapshot others = beside();
        string[] lines =
        [
            .. book.Grants().Concat(others.Grants).Where(grant => seesAll || grant.From == member.Domain || grant.To == member.Domain).Select(GrantLines.Of),
            .. book.Ports().Concat(others.Ports).Where(port => seesAll || port.Domain == member.Domain || port.Remote == member.Domain).Select(GrantLines.Of),
        ];
        StringBuilder text = new();
        foreach (string line in lines.Skip((int)Math.Min(skip, int.MaxValue)))
        {
            if (text.Length + line.Length + 1 > GrantMessage.MaxBytes - GrantMessage.Size) break;
            _ = text.Append(line).Append('\n');
        }
        return new(new(0, (uint)lines.Length), text.ToString());
    }

    private static DomainId Domain(uint value) => value <= DomainId.Highest ? new((ushort)value) : throw new GrantException(GrantFault.BadDomain, $"There can be no domain {value}; the highest is {DomainId.Highest}.");

    private static SafeFd Take(FdInbox inbox) => inbox.TryTake(out SafeFd? fd) ? fd : throw new ProtocolException(WireFault.WrongFdCount, "A descriptor is missing");

    private static GrantAnswer Done(uint a = 0) => new(new(0, a));

    private static GrantAnswer Answer(BookPort port) => new(new(0, port.Port.Value), First: port.Own, Second: port.Others);
}
