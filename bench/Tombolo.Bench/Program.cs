// SPDX-License-Identifier: MIT
// tombolo-bench report --native FOLDER --tombolo PROGRAM [--stock PROGRAM] [--xenstored FOLDER] [--openvswitch FOLDER] [--kernel FILE --initramfs FILE --zeromq FILE] --out FILE [--only PART,…] [--quick]     measure everything, write the results
// The rest are the parts that run in processes of their own:
// tombolo-bench serve SOCKET doorbell|mailbox                                       a server, until standard input ends
// tombolo-bench ping|pong SOCKET doorbell|doorbell-edge|mailbox COUNT WARM-UP       one side of a round trip
// tombolo-bench switch FOLDER PORTS                                                 a switch, until standard input ends
// tombolo-bench region-answer SOCKET                                                answers the signals of regions
// tombolo-bench grant second|set-up|stream FOLDER [TRIALS|BYTES COUNT CAPACITY]     one of two domains; the second obeys the other one
// tombolo-bench channel-idle FOLDER WAY                                             a process that waits, until it is killed
// tombolo-bench channel ping|pong|source|sink|waker|sleeper FOLDER WAY BYTES COUNT  one side of a channel
using System.Globalization;
using Tombolo.Bench;

switch (args)
{
    case ["serve", string socket, string kind]:
        await RoundTripServer.RunAsync(socket, kind);
        return 0;
    case ["ping" or "pong", string socket, string kind, string count, string warmUp]:
        RoundTrip.Run(args[0] == "ping", socket, kind, int.Parse(count, CultureInfo.InvariantCulture), int.Parse(warmUp, CultureInfo.InvariantCulture));
        return 0;
    case ["switch", string socketFolder, string ports]:
        await SwitchServer.RunAsync(socketFolder, int.Parse(ports, CultureInfo.InvariantCulture));
        return 0;
    case ["channel", string side, string folder, string way, string bytes, string count]:
        int messages = int.Parse(count, CultureInfo.InvariantCulture), warmUps = Math.Max(messages / 10, 1000);
        ChannelRole role = new(folder, way, int.Parse(bytes, CultureInfo.InvariantCulture), messages);
        switch (side)
        {
            case "ping": role.Ping(warmUps); break;
            case "pong": role.Pong(); break;
            case "source": role.Source(warmUps); break;
            case "sink": role.Sink(warmUps); break;
            case "waker": role.Waker(); break;
            default: role.Sleeper(); break;
        }
        return 0;
    case ["region-answer", string socket]:
        RegionBench.Answer(socket);
        return 0;
    case ["grant", string part, string services, .. string[] numbers]:
        int[] given = [.. numbers.Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
        await using (GrantRole domain = await GrantRole.OpenAsync(services, isFirst: part != "second"))
            await (part switch { "second" => domain.ObeyAsync(), "set-up" => domain.SetUpAsync(given[0]), _ => domain.StreamAsync(given[0], given[1], given[2]) });
        return 0;
    case ["channel-idle", string place, string way]:
        ChannelIdle.Wait(place, way);
        return 0;
    case ["report", ..]:
        return await Report.RunAsync(BenchOptions.Parse(args.AsSpan(1)));
    default:
        Console.Error.WriteLine("tombolo-bench: use bench/run, which builds what it needs and starts this program.");
        return 2;
}
