/** Generated from the server's OpenAPI document by `npm run generate`; not edited by hand. */
export interface paths {
    "/apis/projectcalico.org/v3/namespaces/{namespace}/packetcaptures/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readProjectcalicoOrgV3PacketCapture"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchProjectcalicoOrgV3PacketCapture"];
        trace?: never;
    };
    "/apis/projectcalico.org/v3/namespaces/{namespace}/deeppacketinspections/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readProjectcalicoOrgV3DeepPacketInspection"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchProjectcalicoOrgV3DeepPacketInspection"];
        trace?: never;
    };
    "/apis/projectcalico.org/v3/globalalerts/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readProjectcalicoOrgV3GlobalAlert"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchProjectcalicoOrgV3GlobalAlert"];
        trace?: never;
    };
    "/apis/projectcalico.org/v3/globalalerttemplates/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readProjectcalicoOrgV3GlobalAlertTemplate"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchProjectcalicoOrgV3GlobalAlertTemplate"];
        trace?: never;
    };
    "/apis/projectcalico.org/v3/alertexceptions/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readProjectcalicoOrgV3AlertException"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchProjectcalicoOrgV3AlertException"];
        trace?: never;
    };
    "/apis/projectcalico.org/v3/securityeventwebhooks/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readProjectcalicoOrgV3SecurityEventWebhook"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchProjectcalicoOrgV3SecurityEventWebhook"];
        trace?: never;
    };
    "/apis/projectcalico.org/v3/globalthreatfeeds/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readProjectcalicoOrgV3GlobalThreatFeed"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchProjectcalicoOrgV3GlobalThreatFeed"];
        trace?: never;
    };
    "/apis/projectcalico.org/v3/clusterinformations/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readProjectcalicoOrgV3ClusterInformation"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchProjectcalicoOrgV3ClusterInformation"];
        trace?: never;
    };
    "/apis/projectcalico.org/v3/felixconfigurations/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readProjectcalicoOrgV3FelixConfiguration"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchProjectcalicoOrgV3FelixConfiguration"];
        trace?: never;
    };
    "/apis/projectcalico.org/v3/globalnetworksets/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readProjectcalicoOrgV3GlobalNetworkSet"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchProjectcalicoOrgV3GlobalNetworkSet"];
        trace?: never;
    };
    "/apis/projectcalico.org/v3/namespaces/{namespace}/networksets/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: operations["readProjectcalicoOrgV3NetworkSet"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: operations["patchProjectcalicoOrgV3NetworkSet"];
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description Standard object's metadata. */
        "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta": {
            /** @description Unique within the namespace. */
            name?: string;
            /** @description Prefix of a name that the server completes. */
            generateName?: string;
            /** @description Namespace of the object. */
            namespace?: string;
            /** @description Labels. */
            labels?: {
                [key: string]: string;
            };
            /** @description Annotations. */
            annotations?: {
                [key: string]: string;
            };
            /** @description Set by the server. */
            uid?: string;
            /** @description Set by the server. */
            resourceVersion?: string;
            /**
             * Format: int64
             * @description Counts changes of the desired state.
             */
            generation?: number;
            /**
             * Format: date-time
             * @description Set by the server.
             */
            creationTimestamp?: string;
            /**
             * Format: date-time
             * @description Set by the server.
             */
            deletionTimestamp?: string;
            /**
             * Format: int64
             * @description Set by the server.
             */
            deletionGracePeriodSeconds?: number;
            /** @description Hold the object back. */
            finalizers?: string[];
            /** @description Objects it belongs to. */
            ownerReferences?: Record<string, never>[];
            /** @description Who wrote which field. */
            managedFields?: Record<string, never>[];
            /** @description Not used any more. */
            selfLink?: string;
        };
        /** @description PacketCapture captures traffic of the workloads that a selector picks and keeps it in pcap files on their nodes. */
        "org.projectcalico.v3.PacketCapture": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /**
             * @description What to record.
             * @default {}
             */
            spec?: {
                /**
                 * @description Picks workload endpoints of the object's own namespace by their labels, such as app == "nginx". Empty or all() takes every one.
                 * @default all()
                 */
                selector?: string;
                /** @description A packet is recorded when any of these filters takes it. Absent: every packet. */
                filters?: {
                    /** @description IP protocol: TCP, UDP, ICMP, ICMPv6, SCTP, UDPLite, or a number from 1 to 255. */
                    protocol?: number | string;
                    /** @description Ports of which the source or the destination must be one: numbers from 1 to 65535, or ranges "min:max". */
                    ports?: unknown[];
                }[];
                /**
                 * Format: date-time
                 * @description When recording begins; absent or past: at once.
                 */
                startTime?: string;
                /**
                 * Format: date-time
                 * @description When recording ends; absent: when the object is deleted. Setting it to now stops the capture and keeps the files.
                 */
                endTime?: string;
            };
            /** @description What was observed. Written by the server. */
            status?: {
                /**
                 * @description The nodes' states folded into one: Error, else Capturing, else WaitingForTraffic, else Scheduled, else Finished.
                 * @enum {string}
                 */
                state?: "Capturing" | "Finished" | "Scheduled" | "Error" | "WaitingForTraffic";
                /** @description One entry for each node that has matching endpoints. */
                files?: {
                    /** @description Name of the node. */
                    node?: string;
                    /** @description Folder on the node below which {namespace}/{name}/ holds the files. */
                    directory?: string;
                    /** @description Names of the files, active and rotated, sorted. */
                    fileNames?: string[];
                    /**
                     * @description State of the capture on this node.
                     * @enum {string}
                     */
                    state?: "Capturing" | "Finished" | "Scheduled" | "Error" | "WaitingForTraffic";
                    /** @description One word why the state is so, where that is not obvious. */
                    reason?: string;
                    /** @description A sentence why the state is so. */
                    message?: string;
                    /** @description Size of the files together. */
                    bytes?: number;
                    /** @description Packets written since the capture began. */
                    packets?: number;
                    /** @description Packets that were due but lost: kernel buffer, disk budget or write errors. */
                    dropped?: number;
                    /** @description Interfaces that are being listened to. */
                    interfaces?: string[];
                    /**
                     * Format: date-time
                     * @description Time of the oldest packet still held in a file.
                     */
                    oldestPacketTime?: string;
                    /**
                     * Format: date-time
                     * @description When the node last reported this.
                     */
                    observedAt?: string;
                }[];
                /** @description The entries added up. */
                summary?: {
                    /**
                     * @description Nodes that take part.
                     * @default 0
                     */
                    nodes?: number;
                    /**
                     * @description Files held.
                     * @default 0
                     */
                    files?: number;
                    /**
                     * @description Size of the files.
                     * @default 0
                     */
                    bytes?: number;
                };
                /** @description Observed facts, in Kubernetes' common form. */
                conditions?: {
                    /** @description Name of the fact, such as Ready. */
                    type: string;
                    /**
                     * @description Whether the fact holds.
                     * @enum {string}
                     */
                    status: "True" | "False" | "Unknown";
                    /** @description One word, for programs, why it is so. */
                    reason?: string;
                    /** @description A sentence, for people, why it is so. */
                    message?: string;
                    /**
                     * Format: date-time
                     * @description When the status changed last.
                     */
                    lastTransitionTime?: string;
                    /**
                     * Format: date-time
                     * @description When the fact was looked at last.
                     */
                    lastHeartbeatTime?: string;
                    /** @description Generation of the spec that was looked at. */
                    observedGeneration?: number;
                }[];
            };
        };
        /** @description DeepPacketInspection inspects the traffic of the workloads that a selector picks with signature rules and raises an event for each that fires. */
        "org.projectcalico.v3.DeepPacketInspection": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /**
             * @description Whom to inspect.
             * @default {}
             */
            spec?: {
                /**
                 * @description Picks workload endpoints of the object's own namespace by their labels, such as app == "frontend". Empty or all() takes every one; pick few, since inspection costs CPU.
                 * @default all()
                 */
                selector?: string;
            };
            /** @description What was observed. Written by the server. */
            status?: {
                /** @description One entry for each node. */
                nodes?: {
                    /** @description Name of the node. */
                    node?: string;
                    /** @description Whether inspection runs there. */
                    active?: {
                        /** @description True when every matching workload of the node is being inspected. */
                        success?: boolean;
                        /**
                         * Format: date-time
                         * @description When this was last written.
                         */
                        lastUpdated?: string;
                    };
                    /** @description The newest errors, at most ten. */
                    errorConditions?: {
                        /** @description What is wrong, and where. */
                        message?: string;
                        /**
                         * Format: date-time
                         * @description When it was last seen.
                         */
                        lastUpdated?: string;
                    }[];
                    /** @description Workload endpoints being inspected. */
                    endpoints?: number;
                    /** @description Rules in force. */
                    rules?: number;
                    /** @description Packets looked at. */
                    packets?: number;
                    /** @description Alerts raised. */
                    alerts?: number;
                    /** @description Packets that were due but not looked at. */
                    dropped?: number;
                    /**
                     * Format: date-time
                     * @description When the node last reported this.
                     */
                    observedAt?: string;
                }[];
                /** @description The entries added up. */
                summary?: {
                    /**
                     * @description Nodes that inspect, of all.
                     * @default 0/0
                     */
                    active?: string;
                    /**
                     * @description Alerts raised.
                     * @default 0
                     */
                    alerts?: number;
                    /**
                     * @description Errors at present.
                     * @default 0
                     */
                    errors?: number;
                };
                /** @description Observed facts, in Kubernetes' common form. */
                conditions?: {
                    /** @description Name of the fact, such as Ready. */
                    type: string;
                    /**
                     * @description Whether the fact holds.
                     * @enum {string}
                     */
                    status: "True" | "False" | "Unknown";
                    /** @description One word, for programs, why it is so. */
                    reason?: string;
                    /** @description A sentence, for people, why it is so. */
                    message?: string;
                    /**
                     * Format: date-time
                     * @description When the status changed last.
                     */
                    lastTransitionTime?: string;
                    /**
                     * Format: date-time
                     * @description When the fact was looked at last.
                     */
                    lastHeartbeatTime?: string;
                    /** @description Generation of the spec that was looked at. */
                    observedGeneration?: number;
                }[];
            };
        };
        /** @description GlobalAlert asks a log periodically and writes a security event for each answer that meets its condition. */
        "org.projectcalico.v3.GlobalAlert": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /** @description What to ask, and when the answer is an event. */
            spec: {
                /**
                 * @description RuleBased, which is also meant when absent. AnomalyDetection is taken from old manifests and never runs.
                 * @enum {string}
                 */
                type?: "RuleBased" | "AnomalyDetection" | "";
                /** @description Text of the events, with variables such as ${qname} for grouping fields and the metric. Absent: description. */
                summary?: string;
                /** @description What the alert is about; may hold the same variables as summary. */
                description: string;
                /** @description From 1 (least) to 100 (critical); copied to each event. */
                severity: number;
                /**
                 * @description Which log is asked.
                 * @enum {string}
                 */
                dataSet?: "flows" | "dns" | "audit" | "l7" | "waf" | "vulnerability";
                /**
                 * @description How often the question is asked; at least one minute.
                 * @default 5m0s
                 */
                period?: string;
                /**
                 * @description How far back each run reads; at least one minute.
                 * @default 10m0s
                 */
                lookback?: string;
                /** @description Which records count, such as qname = "example.com" AND rcode != NoError. Empty: every record. */
                query?: string;
                /** @description Log fields by which records are grouped; each group is judged for itself. */
                aggregateBy?: string[];
                /** @description Numeric log field that avg, max, min or sum is taken of. */
                field?: string;
                /**
                 * @description What is computed for each group; absent: every match is an event.
                 * @enum {string}
                 */
                metric?: "avg" | "max" | "min" | "sum" | "count" | "";
                /**
                 * @description How the metric is compared with the threshold.
                 * @enum {string}
                 */
                condition?: "eq" | "not_eq" | "gt" | "gte" | "lt" | "lte" | "";
                /** @description What the metric is compared with; absent means 0. */
                threshold?: number;
                /** @description Named lists for the query. */
                substitutions?: {
                    /** @description Name, used in the query as ${name}. */
                    name: string;
                    /** @description The values; * and ? are wildcards. */
                    values?: string[];
                }[];
                /** @description Only with type AnomalyDetection. */
                detector?: {
                    /** @description Name of the detector. */
                    name: string;
                };
            };
            /** @description What was observed. Written by the server. */
            status?: {
                /**
                 * Format: date-time
                 * @description When a change of the spec was last taken up.
                 */
                lastUpdate?: string;
                /** @description Whether the alert is running. */
                active: boolean;
                /** @description Whether it runs without errors. */
                healthy: boolean;
                /**
                 * Format: date-time
                 * @description When the question was last asked.
                 */
                lastExecuted?: string;
                /**
                 * Format: date-time
                 * @description When an event was last written.
                 */
                lastEvent?: string;
                /** @description The newest errors. */
                errorConditions?: {
                    /** @description QueryParse, QueryValidation, Execution or Template. */
                    type: string;
                    /** @description What is wrong. */
                    message: string;
                }[];
                /** @description Observed facts, in Kubernetes' common form. */
                conditions?: {
                    /** @description Name of the fact, such as Ready. */
                    type: string;
                    /**
                     * @description Whether the fact holds.
                     * @enum {string}
                     */
                    status: "True" | "False" | "Unknown";
                    /** @description One word, for programs, why it is so. */
                    reason?: string;
                    /** @description A sentence, for people, why it is so. */
                    message?: string;
                    /**
                     * Format: date-time
                     * @description When the status changed last.
                     */
                    lastTransitionTime?: string;
                    /**
                     * Format: date-time
                     * @description When the fact was looked at last.
                     */
                    lastHeartbeatTime?: string;
                    /** @description Generation of the spec that was looked at. */
                    observedGeneration?: number;
                }[];
            };
        };
        /** @description GlobalAlertTemplate is a prepared GlobalAlert to copy from; it never runs. */
        "org.projectcalico.v3.GlobalAlertTemplate": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /** @description What the copied alert would ask. */
            spec: {
                /**
                 * @description RuleBased, which is also meant when absent. AnomalyDetection is taken from old manifests and never runs.
                 * @enum {string}
                 */
                type?: "RuleBased" | "AnomalyDetection" | "";
                /** @description Text of the events, with variables such as ${qname} for grouping fields and the metric. Absent: description. */
                summary?: string;
                /** @description What the alert is about; may hold the same variables as summary. */
                description: string;
                /** @description From 1 (least) to 100 (critical); copied to each event. */
                severity: number;
                /**
                 * @description Which log is asked.
                 * @enum {string}
                 */
                dataSet?: "flows" | "dns" | "audit" | "l7" | "waf" | "vulnerability";
                /**
                 * @description How often the question is asked; at least one minute.
                 * @default 5m0s
                 */
                period?: string;
                /**
                 * @description How far back each run reads; at least one minute.
                 * @default 10m0s
                 */
                lookback?: string;
                /** @description Which records count, such as qname = "example.com" AND rcode != NoError. Empty: every record. */
                query?: string;
                /** @description Log fields by which records are grouped; each group is judged for itself. */
                aggregateBy?: string[];
                /** @description Numeric log field that avg, max, min or sum is taken of. */
                field?: string;
                /**
                 * @description What is computed for each group; absent: every match is an event.
                 * @enum {string}
                 */
                metric?: "avg" | "max" | "min" | "sum" | "count" | "";
                /**
                 * @description How the metric is compared with the threshold.
                 * @enum {string}
                 */
                condition?: "eq" | "not_eq" | "gt" | "gte" | "lt" | "lte" | "";
                /** @description What the metric is compared with; absent means 0. */
                threshold?: number;
                /** @description Named lists for the query. */
                substitutions?: {
                    /** @description Name, used in the query as ${name}. */
                    name: string;
                    /** @description The values; * and ? are wildcards. */
                    values?: string[];
                }[];
                /** @description Only with type AnomalyDetection. */
                detector?: {
                    /** @description Name of the detector. */
                    name: string;
                };
            };
        };
        /** @description AlertException hides the security events that its selector matches while it is in force; they reappear after. */
        "org.projectcalico.v3.AlertException": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /** @description What to hide, and when. */
            spec: {
                /** @description Why these events are hidden. */
                description: string;
                /** @description Which events, in the query language, such as origin = "network.ssh" AND source_namespace = "dev". */
                selector: string;
                /**
                 * Format: date-time
                 * @description When hiding begins.
                 */
                startTime: string;
                /**
                 * Format: date-time
                 * @description When it ends; absent: never.
                 */
                endTime?: string;
            };
            /** @description What was observed. */
            status?: {
                /** @description Observed facts, in Kubernetes' common form. */
                conditions?: {
                    /** @description Name of the fact, such as Ready. */
                    type: string;
                    /**
                     * @description Whether the fact holds.
                     * @enum {string}
                     */
                    status: "True" | "False" | "Unknown";
                    /** @description One word, for programs, why it is so. */
                    reason?: string;
                    /** @description A sentence, for people, why it is so. */
                    message?: string;
                    /**
                     * Format: date-time
                     * @description When the status changed last.
                     */
                    lastTransitionTime?: string;
                    /**
                     * Format: date-time
                     * @description When the fact was looked at last.
                     */
                    lastHeartbeatTime?: string;
                    /** @description Generation of the spec that was looked at. */
                    observedGeneration?: number;
                }[];
            };
        };
        /** @description SecurityEventWebhook sends security events to Slack, Jira, Alertmanager or any HTTP receiver. */
        "org.projectcalico.v3.SecurityEventWebhook": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /** @description Whom to tell, of what. */
            spec: {
                /**
                 * @description Kind of receiver.
                 * @enum {string}
                 */
                consumer: "Slack" | "Jira" | "Generic" | "AlertManager" | "Alertmanager";
                /**
                 * @description Whether deliveries are made. Debug writes them to the log instead; Test sends one sample, then goes on as Enabled.
                 * @enum {string}
                 */
                state: "Enabled" | "Disabled" | "Debug" | "Test";
                /** @description Which events, in the query language, such as type = "global_alert". */
                query: string;
                /** @description Settings of the receiver: url, and for Jira project, issueType, username, apiToken. */
                config: {
                    /** @description Name of the setting, such as url. */
                    name: string;
                    /** @description Its value. */
                    value?: string;
                    /** @description Where its value is kept; for what is secret. */
                    valueFrom?: {
                        /** @description In a ConfigMap. */
                        configMapKeyRef?: {
                            /** @description Name of the object. */
                            name: string;
                            /** @description Key in it. */
                            key: string;
                            /** @description Whether it may be missing. */
                            optional?: boolean;
                        };
                        /** @description In a Secret. */
                        secretKeyRef?: {
                            /** @description Name of the object. */
                            name: string;
                            /** @description Key in it. */
                            key: string;
                            /** @description Whether it may be missing. */
                            optional?: boolean;
                        };
                    };
                }[];
            };
            /** @description Observed facts: Ready and Delivering. */
            status?: {
                /** @description Name of the fact, such as Ready. */
                type: string;
                /**
                 * @description Whether the fact holds.
                 * @enum {string}
                 */
                status: "True" | "False" | "Unknown";
                /** @description One word, for programs, why it is so. */
                reason?: string;
                /** @description A sentence, for people, why it is so. */
                message?: string;
                /**
                 * Format: date-time
                 * @description When the status changed last.
                 */
                lastTransitionTime?: string;
                /**
                 * Format: date-time
                 * @description When the fact was looked at last.
                 */
                lastHeartbeatTime?: string;
                /** @description Generation of the spec that was looked at. */
                observedGeneration?: number;
            }[];
        };
        /** @description GlobalThreatFeed names addresses or domains that are known to be bad, so that logs can be compared with them. */
        "org.projectcalico.v3.GlobalThreatFeed": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /**
             * @description What the feed holds and where it comes from.
             * @default {}
             */
            spec?: {
                /**
                 * @description Addresses or names.
                 * @default IPSet
                 * @enum {string}
                 */
                content?: "IPSet" | "DomainNameSet";
                /**
                 * @description Whether the feed is fetched and matched.
                 * @default Enabled
                 * @enum {string}
                 */
                mode?: "Enabled" | "Disabled";
                /** @description What the feed is. */
                description?: string;
                /**
                 * @description Whose feed it is.
                 * @default Custom
                 * @enum {string}
                 */
                feedType?: "Custom" | "Builtin";
                /** @description Also keep the addresses in a GlobalNetworkSet. */
                globalNetworkSet?: {
                    /** @description Its labels. */
                    labels?: {
                        [key: string]: string;
                    };
                };
                /** @description Where the feed comes from. */
                pull?: {
                    /**
                     * @description How often; at least five minutes.
                     * @default 24h
                     */
                    period?: string;
                    /** @description From where. */
                    http: {
                        /** @description Where the feed is. */
                        url: string;
                        /** @description How the answer is read; one value a line unless said. */
                        format?: {
                            /** @description One value a line, # begins a comment. */
                            newlineDelimited?: Record<string, unknown>;
                            /** @description A JSON document. */
                            json?: {
                                /** @description JSONPath of the list of values. */
                                path?: string;
                            };
                            /** @description Comma-separated lines. */
                            csv?: {
                                /** @description Column, counted from 0. */
                                fieldNum?: number;
                                /** @description Column by its name in the header. */
                                fieldName?: string;
                                /** @description Whether the first line is a header. */
                                header?: boolean;
                                /** @description What separates columns; a comma unless said. */
                                columnDelimiter?: string;
                                /** @description What begins a comment line. */
                                commentDelimiter?: string;
                                /** @description Number of columns. */
                                recordSize?: number;
                                /** @description Take lines with another number of columns too. */
                                disableRecordSizeValidation?: boolean;
                            };
                        };
                        /** @description Further headers of the request. */
                        headers?: {
                            /** @description Name of the header. */
                            name: string;
                            /** @description Its value. */
                            value?: string;
                            /** @description Where its value is kept. */
                            valueFrom?: {
                                /** @description In a ConfigMap. */
                                configMapKeyRef?: {
                                    /** @description Name of the object. */
                                    name: string;
                                    /** @description Key in it. */
                                    key: string;
                                    /** @description Whether it may be missing. */
                                    optional?: boolean;
                                };
                                /** @description In a Secret. */
                                secretKeyRef?: {
                                    /** @description Name of the object. */
                                    name: string;
                                    /** @description Key in it. */
                                    key: string;
                                    /** @description Whether it may be missing. */
                                    optional?: boolean;
                                };
                            };
                        }[];
                    };
                };
            };
            /** @description What was observed. */
            status?: {
                /**
                 * Format: date-time
                 * @description When the feed was last fetched.
                 */
                lastSuccessfulSync?: string;
                /**
                 * Format: date-time
                 * @description When logs were last compared with it.
                 */
                lastSuccessfulSearch?: string;
                /** @description The newest errors. */
                errorConditions?: {
                    /** @description What failed. */
                    type: string;
                    /** @description How. */
                    message: string;
                }[];
                /** @description Observed facts, in Kubernetes' common form. */
                conditions?: {
                    /** @description Name of the fact, such as Ready. */
                    type: string;
                    /**
                     * @description Whether the fact holds.
                     * @enum {string}
                     */
                    status: "True" | "False" | "Unknown";
                    /** @description One word, for programs, why it is so. */
                    reason?: string;
                    /** @description A sentence, for people, why it is so. */
                    message?: string;
                    /**
                     * Format: date-time
                     * @description When the status changed last.
                     */
                    lastTransitionTime?: string;
                    /**
                     * Format: date-time
                     * @description When the fact was looked at last.
                     */
                    lastHeartbeatTime?: string;
                    /** @description Generation of the spec that was looked at. */
                    observedGeneration?: number;
                }[];
            };
        };
        /** @description ClusterInformation tells the identity and the version of the cluster. There is one, named default. */
        "org.projectcalico.v3.ClusterInformation": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /**
             * @description What is known of the cluster.
             * @default {}
             */
            spec?: {
                /** @description Identity of the cluster, made once. */
                clusterGUID?: string;
                /** @description What the cluster is made of. */
                clusterType?: string;
                /** @description Version that scripts for Calico ask for; ours. */
                calicoVersion?: string;
                /** @description Version for which /download/binaries/{version}/calicoctl serves a client. */
                cnxVersion?: string;
                /** @description Whether resources can be read. */
                datastoreReady?: boolean;
                /** @description Which product this is. */
                variant?: string;
            };
        };
        /** @description FelixConfiguration holds the settings by which nodes record packets and flush logs. */
        "org.projectcalico.v3.FelixConfiguration": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /**
             * @description Settings of the nodes.
             * @default {}
             */
            spec?: {
                /** @description Folder for capture files. */
                captureDir?: string;
                /** @description Size at which a capture file is rotated; 10000000 unless set. */
                captureMaxSizeBytes?: number;
                /** @description Age at which a capture file is rotated; 3600 unless set. */
                captureRotationSeconds?: number;
                /** @description Rotated files kept for each endpoint; 2 unless set. */
                captureMaxFiles?: number;
                /** @description How often flow records are sent; 5m unless set. */
                flowLogsFlushInterval?: string;
                /** @description How often DNS records are sent; 5m unless set. */
                dnsLogsFlushInterval?: string;
                /** @description How often application records are sent; 5m unless set. */
                l7LogsFlushInterval?: string;
                /** @description How far allowed flows are merged: 0 not at all, 1 by source port, 2 by pod prefix, 3 by destination too. */
                flowLogsFileAggregationKindForAllowed?: number;
                /** @description The same for denied flows. */
                flowLogsFileAggregationKindForDenied?: number;
                /** @description How far DNS records are merged: 0 for each pod, 1 by pod prefix. */
                dnsLogsFileAggregationKind?: number;
            };
        };
        /** @description GlobalNetworkSet gives a name and labels to addresses outside the cluster, so that logs can name them. */
        "org.projectcalico.v3.GlobalNetworkSet": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /**
             * @description The members.
             * @default {}
             */
            spec?: {
                /** @description Addresses and prefixes, such as 203.0.113.0/24 or 2001:db8::1. */
                nets?: string[];
                /** @description Domain names; a leading * stands for any sub-domain. */
                allowedEgressDomains?: string[];
            };
        };
        /** @description NetworkSet gives a name and labels to addresses outside the cluster, for one namespace. */
        "org.projectcalico.v3.NetworkSet": {
            /** @description Group and version of this object. */
            apiVersion?: string;
            /** @description Kind of this object. */
            kind?: string;
            /** @description Standard object's metadata. */
            metadata?: components["schemas"]["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"];
            /**
             * @description The members.
             * @default {}
             */
            spec?: {
                /** @description Addresses and prefixes, such as 203.0.113.0/24 or 2001:db8::1. */
                nets?: string[];
                /** @description Domain names; a leading * stands for any sub-domain. */
                allowedEgressDomains?: string[];
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    readProjectcalicoOrgV3PacketCapture: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.PacketCapture"];
                };
            };
        };
    };
    patchProjectcalicoOrgV3PacketCapture: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.PacketCapture"];
                };
            };
        };
    };
    readProjectcalicoOrgV3DeepPacketInspection: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.DeepPacketInspection"];
                };
            };
        };
    };
    patchProjectcalicoOrgV3DeepPacketInspection: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.DeepPacketInspection"];
                };
            };
        };
    };
    readProjectcalicoOrgV3GlobalAlert: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.GlobalAlert"];
                };
            };
        };
    };
    patchProjectcalicoOrgV3GlobalAlert: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.GlobalAlert"];
                };
            };
        };
    };
    readProjectcalicoOrgV3GlobalAlertTemplate: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.GlobalAlertTemplate"];
                };
            };
        };
    };
    patchProjectcalicoOrgV3GlobalAlertTemplate: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.GlobalAlertTemplate"];
                };
            };
        };
    };
    readProjectcalicoOrgV3AlertException: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.AlertException"];
                };
            };
        };
    };
    patchProjectcalicoOrgV3AlertException: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.AlertException"];
                };
            };
        };
    };
    readProjectcalicoOrgV3SecurityEventWebhook: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.SecurityEventWebhook"];
                };
            };
        };
    };
    patchProjectcalicoOrgV3SecurityEventWebhook: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.SecurityEventWebhook"];
                };
            };
        };
    };
    readProjectcalicoOrgV3GlobalThreatFeed: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.GlobalThreatFeed"];
                };
            };
        };
    };
    patchProjectcalicoOrgV3GlobalThreatFeed: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.GlobalThreatFeed"];
                };
            };
        };
    };
    readProjectcalicoOrgV3ClusterInformation: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.ClusterInformation"];
                };
            };
        };
    };
    patchProjectcalicoOrgV3ClusterInformation: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.ClusterInformation"];
                };
            };
        };
    };
    readProjectcalicoOrgV3FelixConfiguration: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.FelixConfiguration"];
                };
            };
        };
    };
    patchProjectcalicoOrgV3FelixConfiguration: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.FelixConfiguration"];
                };
            };
        };
    };
    readProjectcalicoOrgV3GlobalNetworkSet: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.GlobalNetworkSet"];
                };
            };
        };
    };
    patchProjectcalicoOrgV3GlobalNetworkSet: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.GlobalNetworkSet"];
                };
            };
        };
    };
    readProjectcalicoOrgV3NetworkSet: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.NetworkSet"];
                };
            };
        };
    };
    patchProjectcalicoOrgV3NetworkSet: {
        parameters: {
            query?: {
                dryRun?: string;
                fieldManager?: string;
                fieldValidation?: string;
                force?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["org.projectcalico.v3.NetworkSet"];
                };
            };
        };
    };
}
