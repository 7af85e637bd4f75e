// SPDX-License-Identifier: MIT
using Tombolo.Linux;
using static Tombolo.Grants.Conformance.CheckSide;

namespace Tombolo.Grants.Conformance;

public static partial class GrantChecks
{
    private static IReadOnlyList<GrantCheck> EventChecks =>
    [
        new("Bind_LeavesOneEventPending_WithTheBinderAlone", Allocator(static (side, port) => That(!port.TryTake(), "nothing is pending where the port was made")), Binder(static (side, port) =>
        {
            side.Heard(port, "the event of the binding");
            That(!port.TryTake(), "there is one such event, not two");
        }, takesFirst: false)),
        new("Notify_IsHeard_BothWays", Allocator(static (side, port) =>
        {
            Equal(side.Peer, port.Remote, "the remote domain");
            port.Notify();
            side.Heard(port, "the binder's event");
        }), Binder(static (side, port) =>
        {
            Equal(side.Peer, port.Remote, "the remote domain");
            side.Heard(port, "the allocator's event");
            port.Notify();
        })),
        new("Events_Coalesce", Allocator(static (side, port) =>
        {
            for (int i = 0; i < 3; i++) port.Notify();
            side.Send("notified");
        }), Binder(static (side, port) =>
        {
            _ = side.Receive();
            side.Heard(port, "the event");
            That(!port.TryTake(), "three notifications are one event");
        })),
        new("Mask_KeepsTheEvent_UntilUnmasked", Allocator(static (side, port) =>
        {
            _ = side.Receive();   // masked
            port.Notify();
            side.Send("notified");
        }), Binder(static (side, port) =>
        {
            port.Mask();
            That(port.IsMasked, "the port is masked");
            side.Send("masked");
            _ = side.Receive();
            That(!port.TryTake(), "a masked port hears nothing");
            That(!UnixSocket.Wait(port.Descriptor, forReading: true, TimeSpan.Zero), "a masked port's descriptor is not readable");
            That(!port.Wait(TimeSpan.FromMilliseconds(1)), "a wait on a masked port gets nothing");
            port.Unmask();
            That(!port.IsMasked, "the port is not masked");
            side.Heard(port, "what came while it was masked");
        })),
        new("Descriptor_IsReadable_WhileAnEventIsPending", Allocator(static (side, port) =>
        {
            _ = side.Receive();   // looked
            port.Notify();
            _ = side.Receive();   // waits without a thread
            port.Notify();
        }), Binder(static (side, port) =>
        {
            That(!UnixSocket.Wait(port.Descriptor, forReading: true, TimeSpan.Zero), "the descriptor is not readable when nothing is pending");
            side.Send("looked");
            That(UnixSocket.Wait(port.Descriptor, forReading: true, side.Limit), "the descriptor becomes readable");
            That(port.TryTake(), "the event can be taken");
            Task wait = port.WaitAsync().AsTask();
            side.Send("waiting");
            That(wait.Wait(side.Limit), "a wait without a thread ends");
        })),
        new("Bind_ToABadPort_IsRefused", Allocator(static (side, port) =>
        {
            using EventChannel own = side.Events.AllocateUnbound(side.Domain.Id);
            side.Send(own.Port.Value);
            _ = side.Receive();
        }), Binder(static (side, port) =>
        {
            EventPort others = side.ReceivePort();
            Refused(GrantFault.BadPort, () => side.Events.BindInterdomain(side.Peer, others).Dispose(), "binding to a port for another domain");
            Refused(GrantFault.BadPort, () => side.Events.BindInterdomain(side.Peer, new(0)).Dispose(), "binding to port 0");
            Refused(GrantFault.BadPort, () => side.Events.BindInterdomain(side.Peer, new(others.Value + 900)).Dispose(), "binding to a port that is not there");
            side.Send("seen");
        })),
        new("Bind_ToABoundPort_IsRefused", Allocator(static (side, port) =>
        {
            side.Send(port.Port.Value);
            _ = side.Receive();
        }), Binder(static (side, port) =>
        {
            EventPort bound = side.ReceivePort();
            Refused(GrantFault.BadPort, () => side.Events.BindInterdomain(side.Peer, bound).Dispose(), "binding to a port that is bound");
            side.Send("seen");
        })),
        new("Close_ByTheBinder_LeavesThePortToBindAgain", static side =>
        {
            using EventChannel port = side.Events.AllocateUnbound(side.Peer);
            side.Send(port.Port.Value);
            _ = side.Receive();   // closed
            port.Notify();        // nobody is there: no error
            side.Send("notified");
            _ = side.Receive();   // bound again
            port.Notify();
            side.Heard(port, "the new binder's event");
        }, static side =>
        {
            EventPort remote = side.ReceivePort();
            side.Events.BindInterdomain(side.Peer, remote).Dispose();
            side.Send("closed");
            _ = side.Receive();
            using EventChannel again = side.Events.BindInterdomain(side.Peer, remote);
            side.Heard(again, "the event of the second binding");
            side.Send("bound again");
            side.Heard(again, "the allocator's event");
            again.Notify();
        }),
        new("Close_OfThePort_IsNotHeard", Allocator(static (side, port) =>
        {
            port.Dispose();
            side.Send("closed");
            _ = side.Receive();
        }), Binder(static (side, port) =>
        {
            _ = side.Receive();
            That(!port.TryTake(), "a close makes no event");
            port.Notify();   // nobody is there: no error
            side.Send("notified");
        })),
        new("EventChannel_WithinOneDomain_Works", static side =>
        {
            using EventChannel port = side.Events.AllocateUnbound(side.Domain.Id), bound = side.Events.BindInterdomain(side.Domain.Id, port.Port);
            That(port.Port != bound.Port, "both ends have a number of their own");
            side.Heard(bound, "the event of the binding");
            bound.Notify();
            side.Heard(port, "the event");
        }, static _ => { }),
        new("ManyChannels_AtOnce_AreApart", static side =>
        {
            EventChannel[] ports = [.. Enumerable.Range(0, Channels).Select(_ => side.Events.AllocateUnbound(side.Peer))];
            Equal(Channels, ports.Select(port => port.Port).Distinct().Count(), "how many ports differ");
            foreach (EventChannel port in ports) side.Send(port.Port.Value);
            _ = side.Receive();   // bound
            for (int at = 0; at < Channels; at += 7) ports[at].Notify();
            side.Send("notified");
            _ = side.Receive();
            foreach (EventChannel port in ports) port.Dispose();
        }, static side =>
        {
            EventChannel[] ports = [.. Enumerable.Range(0, Channels).Select(_ => side.Events.BindInterdomain(side.Peer, side.ReceivePort()))];
            foreach (EventChannel port in ports) side.Heard(port, "the event of the binding");
            side.Send("bound");
            _ = side.Receive();
            for (int at = 0; at < Channels; at++)
                if (at % 7 == 0) side.Heard(ports[at], $"channel {at}'s event");
                else That(!ports[at].TryTake(), $"channel {at} hears nothing that is another's");
            side.Send("heard");
            foreach (EventChannel port in ports) port.Dispose();
        }),
    ];

    private static Action<CheckSide> Allocator(Action<CheckSide, EventChannel> then) => side =>
    {
        using EventChannel port = side.Events.AllocateUnbound(side.Peer);
        side.Send(port.Port.Value);
        Equal("bound", side.Receive(), "what the binder says");
        then(side, port);
        side.Meet("done");
    };

    private static Action<CheckSide> Binder(Action<CheckSide, EventChannel> then, bool takesFirst = true) => side =>
    {
        using EventChannel port = side.Events.BindInterdomain(side.Peer, side.ReceivePort());
        if (takesFirst) side.Heard(port, "the event of the binding");
        side.Send("bound");
        then(side, port);
        side.Meet("done");
    };
}
